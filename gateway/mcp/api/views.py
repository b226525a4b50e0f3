"""REST about the log of tool calls."""

from typing import Any, ClassVar

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView
from gateway.identity.roles import Right
from gateway.mcp.api.lists import CallList
from gateway.mcp.api.shapes import ToolCallPage, ToolCallShape
from gateway.mcp.models import ToolCall
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of


class ToolCalls(WorkspaceView):
    """The recorded calls, newest first."""

    topic = "Tool calls"
    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listToolCalls",
        "List the recorded calls, newest first",
        answers={200: ToolCallPage},
        query=[*CURSOR_PAGE, CallList],
    )
    def get(self, request: Request) -> Response:
        rows = ToolCall.objects.in_workspace(self.caller.workspace_id)
        chosen = CallList.chosen(rows, request.query_params)
        page = page_of(chosen, self.query, default_order="desc")
        return Response(page.body(lambda calls: map(call_json, calls)))


class OneToolCall(WorkspaceView):
    """One recorded call."""

    topic = "Tool calls"
    rights: ClassVar = {"GET": Right.READ}

    @operation("getToolCall", "Get a recorded call", answers={200: ToolCallShape})
    def get(self, request: Request, call_id: str) -> Response:
        rows = ToolCall.objects.in_workspace(self.caller.workspace_id)
        call = rows.filter(pk=call_id).first()
        if call is None:
            raise Http404
        return Response(call_json(call))


def call_json(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.pk,
        "workspaceId": call.workspace_id,
        "state": call.state,
        "code": call.code,
        "toolName": call.tool_name,
        "toolId": call.tool_id,
        "fingerprint": call.fingerprint,
        "toolSetId": call.tool_set_id,
        "toolPackId": call.pack_id,
        "registeredUserId": call.registered_user_id,
        "agentProfileId": call.agent_profile_id,
        "apiKeyId": call.api_key_id,
        "reachedUpstream": call.reached_upstream,
        "rounds": call.rounds,
        "argumentBytes": call.argument_bytes,
        "resultBytes": call.result_bytes,
        "upstreamMs": call.upstream_ms,
        "totalMs": call.total_ms,
        "protocolVersion": call.protocol_version,
        "client": call.client,
        "headers": call.headers,
        "amendment": call.amendment,
        "startedAt": call.started_at,
        "finishedAt": call.finished_at,
    }
