"""REST about the log of tool calls."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView
from gateway.identity.roles import Right
from gateway.mcp.models import ToolCall
from gateway.rest.pages import page_of
from gateway.rest.queries import Query

_EXACT = {
    "code": ("code",),
    "tool_name": ("toolName",),
    "tool_id": ("toolId", "tool"),
    "tool_set_id": ("toolSetId", "toolSet"),
    "pack_id": ("toolPackId", "pack"),
    "registered_user_id": ("registeredUserId", "registeredUser"),
    "agent_profile_id": ("agentProfileId", "agentProfile"),
    "api_key_id": ("apiKeyId", "apiKey"),
}


class ToolCalls(WorkspaceView):
    """The recorded calls, newest first."""

    rights: ClassVar = {"GET": Right.READ}

    def get(self, request: Request) -> Response:
        rows = ToolCall.objects.in_workspace(self.caller.workspace_id)
        page = page_of(_chosen(rows, self.query), self.query, default_order="desc")
        return Response(page.body(lambda calls: map(call_json, calls)))


class OneToolCall(WorkspaceView):
    """One recorded call."""

    rights: ClassVar = {"GET": Right.READ}

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


def _chosen(rows: QuerySet[Any], query: Query) -> QuerySet[Any]:
    if states := query.choices(ToolCall.State.values, "state", "states"):
        rows = rows.filter(state__in=states)
    for field, names in _EXACT.items():
        if wanted := query.words(*names):
            rows = rows.filter(**{f"{field}__in": wanted})
    if since := query.time("from"):
        rows = rows.filter(started_at__gte=since)
    if until := query.time("to"):
        rows = rows.filter(started_at__lt=until)
    return rows
