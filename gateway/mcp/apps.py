from django.apps import AppConfig


class McpConfig(AppConfig):
    name = "gateway.mcp"
    label = "mcp"
    verbose_name = "Tool calls"

    def ready(self) -> None:
        from gateway import checks  # noqa: F401, PLC0415 - registers them; models are not loaded before ready()
