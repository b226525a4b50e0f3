from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"

    def ready(self) -> None:
        from registry import recording  # noqa: PLC0415 - models are not loaded before ready()
        from toolsets.signals import tools_changed  # noqa: PLC0415

        tools_changed.connect(
            recording.record_versions, dispatch_uid="registry.versions"
        )
