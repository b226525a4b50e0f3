"""Every Django URL. The MCP endpoint is not among them: `gateway/asgi.py` routes it past Django."""

from django.contrib import admin
from django.urls import include, path

from gateway.rest.browsing import docs
from gateway.rest.reading import openapi_json

_rest = [
    path("", include("gateway.identity.api.urls")),
    path("", include("toolsets.api.urls")),
    path("", include("toolpacks.api.urls")),
    path("", include("gateway.mcp.api.urls")),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("v1/openapi.json", openapi_json, name="openapi"),
    path("v1/docs", docs, name="docs"),
    path("v1/", include(_rest)),
    path("v1/workspaces/<str:workspace_id>/", include(_rest)),
]
handler404 = "gateway.rest.problems.not_found"
handler500 = "gateway.rest.problems.broken"
