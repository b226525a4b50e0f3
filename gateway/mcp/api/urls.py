"""REST addresses of the tool-call log, below `/v1/`."""

from django.urls import path

from gateway.mcp.api import views
from gateway.rest import addresses  # noqa: F401 - registers the converter `ref`

urlpatterns = [
    path("tool_calls", views.ToolCalls.as_view()),
    path("tool_calls/<ref:call_id>", views.OneToolCall.as_view()),
]
