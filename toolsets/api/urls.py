"""REST addresses of `toolsets`, below `/v1/` and below `/v1/workspaces/<workspace>/`."""

from django.urls import path

from gateway.rest import addresses  # noqa: F401 - registers the converter `ref`
from toolsets.api import secret_views, tool_views, views

_SET = "tool_sets/<ref:tool_set_id>"
_TOOL = f"{_SET}/tools/<ref:tool_id>"
_OF_WORKSPACE = {
    "listSecrets": "listWorkspaceSecrets",
    "storeSecret": "storeWorkspaceSecret",
    "deleteSecret": "deleteWorkspaceSecret",
}

urlpatterns = [
    path("tool_sets", views.ToolSets.as_view()),
    path(_SET, views.OneToolSet.as_view()),
    path(f"{_SET}:sync", views.SyncToolSet.as_view()),
    path(f"{_SET}:preview", views.PreviewToolSet.as_view()),
    path(f"{_SET}:archive", views.ArchiveToolSet.as_view()),
    path(f"{_SET}:unarchive", views.UnarchiveToolSet.as_view()),
    path(f"{_SET}/openapi_spec", views.OpenApiSpec.as_view()),
    path(f"{_SET}/events", views.ToolSetEvents.as_view()),
    path(f"{_SET}/tools", tool_views.Tools.as_view()),
    path(_TOOL, tool_views.OneTool.as_view()),
    path(f"{_TOOL}:omit", tool_views.OmitTool.as_view()),
    path(f"{_TOOL}:restore", tool_views.RestoreTool.as_view()),
    path(f"{_SET}/secrets", secret_views.Secrets.as_view()),
    path(f"{_SET}/secrets/<ref:name>", secret_views.OneSecret.as_view()),
    path("workspace_secrets", secret_views.Secrets.as_view(renamed=_OF_WORKSPACE)),
    path(
        "workspace_secrets/<ref:name>",
        secret_views.OneSecret.as_view(renamed=_OF_WORKSPACE),
    ),
]
