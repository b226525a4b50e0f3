from django.apps import AppConfig
from django.conf import settings

from gateway import network


class ToolsetsConfig(AppConfig):
    name = "toolsets"
    verbose_name = "Tool sets"

    def ready(self) -> None:
        network.use_proxy(settings.UPSTREAM_PROXY)
