"""REST about the tools of a tool set."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.errors import Refused
from gateway.identity.api.base import found
from gateway.identity.roles import Right
from gateway.rest.pages import page_of
from gateway.rest.queries import Query
from gateway.rest.updates import errors_at
from toolsets import curating
from toolsets.api.answers import tool_json
from toolsets.api.updates import TOOL_PATHS, changed_tool_fields
from toolsets.api.views import ToolSetView, named_like, wake_sync
from toolsets.models import Tool, ToolSet


class ToolsAreSynced(Refused):
    """The set's upstream decides which tools there are."""

    code = "tools_are_synced"


class ToolView(ToolSetView):
    """What views about tools have in common."""

    def tool(self, tool_set_reference: str, reference: str) -> Tool:
        tool_set = self.tool_set(tool_set_reference)
        rows = Tool.objects.in_workspace(self.caller.workspace_id)
        rows = rows.select_related("created_by").filter(tool_set=tool_set)
        tool: Tool = found(rows, reference)
        tool.tool_set = tool_set
        return tool

    def shown_tool(self, tool: Tool, tool_set: ToolSet) -> dict[str, Any]:
        return tool_json(tool, tool_set, self.caller, with_info=self.with_info)

    def answer_tool(self, tool: Tool) -> Response:
        """The tool as it is now."""
        now = self.tool(tool.tool_set_id, tool.pk)
        return Response(self.shown_tool(now, now.tool_set))


class Tools(ToolView):
    """The tools of a set."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}

    def get(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        rows = Tool.objects.in_workspace(self.caller.workspace_id)
        rows = rows.filter(tool_set=tool_set).select_related("created_by")
        with_info = self.with_info
        page = page_of(_chosen(rows, tool_set, self.query), self.query)
        return Response(
            page.body(
                lambda tools: (
                    tool_json(tool, tool_set, self.caller, with_info=with_info)
                    for tool in tools
                )
            )
        )

    def post(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        curating.check_managed(tool_set, self.actor)
        raise ToolsAreSynced(
            "The tools of an MCP server are synced from it; none can be added here. "
            "Add the tool to the server, then sync."
        )


class OneTool(ToolView):
    """One tool."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PUT": Right.BUILD,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }

    def get(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        return Response(self.shown_tool(tool, tool.tool_set))

    def put(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.check_managed(tool.tool_set, self.actor)
        fields = changed_tool_fields(tool, self.body, self.query)
        with errors_at(TOOL_PATHS):
            changed = curating.change_tool(tool, **fields, actor=self.actor)
        return self.answer_tool(changed)

    patch = put

    def delete(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.check_managed(tool.tool_set, self.actor)
        raise ToolsAreSynced(
            "The tools of an MCP server are synced from it; a deleted one would come back. Omit it instead."
        )


class OmitTool(ToolView):
    """`POST …:omit`."""

    rights: ClassVar = {"POST": Right.BUILD}

    def post(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.omit([tool], actor=self.actor)
        return self.answer_tool(tool)


class RestoreTool(ToolView):
    """`POST …:restore`."""

    rights: ClassVar = {"POST": Right.BUILD}

    def post(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.restore([tool], actor=self.actor)
        wake_sync(tool.tool_set)
        return self.answer_tool(tool)


def _chosen(rows: QuerySet[Any], tool_set: ToolSet, query: Query) -> QuerySet[Any]:
    statuses = query.choices(Tool.Status.values, "statuses", "status")
    if statuses and tool_set.is_active:
        rows = rows.filter(status__in=statuses)
    elif statuses and Tool.Status.ARCHIVED not in statuses:
        rows = rows.none()  # every tool of an archived set is archived
    if (required := query.flag("requiresApproval")) is not None:
        rows = rows.filter(requires_approval=required)
    if names := query.words("names"):
        rows = rows.filter(name__in=names)
    return named_like(rows, query, "name", "title", "description", "external_id")
