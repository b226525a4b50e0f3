"""Every Django URL. The MCP endpoint is not among them: `gateway/asgi.py` routes it past Django."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
