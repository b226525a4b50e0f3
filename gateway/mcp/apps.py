from django.apps import AppConfig


class McpConfig(AppConfig):
    name = "gateway.mcp"
    label = "mcp"
    verbose_name = "Tool calls"
