from django.apps import AppConfig
from django.db.models.signals import post_migrate


class IdentityConfig(AppConfig):
    name = "gateway.identity"
    label = "identity"

    def ready(self) -> None:
        from gateway.identity import triggers  # noqa: PLC0415 - models are not loaded before ready()

        post_migrate.connect(
            triggers.install, sender=self, dispatch_uid="identity.triggers"
        )
