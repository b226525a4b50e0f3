from django.apps import AppConfig


class ToolpacksConfig(AppConfig):
    name = "toolpacks"
    verbose_name = "Tool packs"

    def ready(self) -> None:
        from gateway.identity import providers  # noqa: PLC0415 - models are not loaded before ready()
        from toolpacks import counting, holding  # noqa: PLC0415
        from toolsets import holders  # noqa: PLC0415

        providers.register(providers.TOOL_SET_AGENTS, counting.agent_counts)
        holders.register(holding)
