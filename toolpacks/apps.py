from django.apps import AppConfig


class ToolpacksConfig(AppConfig):
    name = "toolpacks"
    verbose_name = "Tool packs"
