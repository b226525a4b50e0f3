"""REST about the tools of a tool set."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import found
from gateway.identity.editing import settled
from gateway.identity.roles import Right
from gateway.rest.masks import UPDATE_MASK
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from gateway.rest.updates import errors_at
from toolsets import curating, writing
from toolsets.api.answers import tool_json
from toolsets.api.lists import INCLUDE_INFO, ToolList
from toolsets.api.serializers import ToolBody, ToolUpdate
from toolsets.api.shapes import ToolPage, ToolShape
from toolsets.api.tool_updates import (
    TOOL_PATHS,
    changed_tool_fields,
    new_tool_fields,
)
from toolsets.api.views import ToolSetView, wake_sync
from toolsets.models import Tool, ToolSet


class ToolView(ToolSetView):
    """What views about tools have in common."""

    topic = "Tools"

    def tool(self, tool_set_reference: str, reference: str) -> Tool:
        tool_set = self.tool_set(tool_set_reference)
        rows = Tool.objects.in_workspace(self.caller.workspace_id)
        rows = rows.select_related("created_by").filter(tool_set=tool_set)
        tool: Tool = found(rows, reference)
        tool.tool_set = tool_set
        return tool

    def shown_tool(self, tool: Tool, tool_set: ToolSet) -> dict[str, Any]:
        return tool_json(tool, tool_set, self.caller, with_info=self.with_info)

    def answer_tool(self, tool: Tool, *, status: int = 200) -> Response:
        """The tool as it is now."""
        now = self.tool(tool.tool_set_id, tool.pk)
        return Response(self.shown_tool(now, now.tool_set), status=status)


class Tools(ToolView):
    """The tools of a set."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}

    @operation(
        "listTools",
        "List the tools of a tool set",
        answers={200: ToolPage},
        query=[*CURSOR_PAGE, ToolList, INCLUDE_INFO],
    )
    def get(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        rows = Tool.objects.in_workspace(self.caller.workspace_id)
        rows = rows.filter(tool_set=tool_set).select_related("created_by")
        with_info = self.with_info
        page = page_of(ToolList.chosen(rows, request.query_params), self.query)
        return Response(
            page.body(
                lambda tools: (
                    tool_json(tool, tool_set, self.caller, with_info=with_info)
                    for tool in tools
                )
            )
        )

    @operation(
        "createTool",
        "Add a tool to a tool set whose tools are written by hand",
        body=ToolBody,
        answers={201: ToolShape},
        query=[INCLUDE_INFO],
        refusals=(409,),
    )
    def post(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        writing.check_may_write(tool_set, self.actor)
        fields = new_tool_fields(tool_set, self.body)
        with errors_at(TOOL_PATHS):
            made = writing.create_tool(tool_set, **fields, actor=self.actor)
        return self.answer_tool(made, status=201)


class OneTool(ToolView):
    """One tool."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PUT": Right.BUILD,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }

    @operation("getTool", "Get a tool", answers={200: ToolShape}, query=[INCLUDE_INFO])
    def get(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        return Response(self.shown_tool(tool, tool.tool_set))

    @operation(
        "updateTool",
        "Change a tool",
        body=ToolUpdate,
        answers={200: ToolShape},
        query=[UPDATE_MASK, INCLUDE_INFO],
        refusals=(409,),
    )
    def put(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        return self.answer_tool(settled(lambda: self._changed(tool_set_id, tool_id)))

    patch = put

    def _changed(self, tool_set_id: str, tool_id: str) -> Tool:
        """The tool as it is read now, with what the body and its mask say of it."""
        tool = self.tool(tool_set_id, tool_id)
        curating.check_managed(tool.tool_set, self.actor)
        fields = changed_tool_fields(tool, self.body, self.query)
        change = (
            curating.change_tool if tool.tool_set.is_syncable else writing.change_tool
        )
        with errors_at(TOOL_PATHS):
            return change(tool, **fields, actor=self.actor)

    @operation(
        "deleteTool",
        "Delete a tool that was written by hand",
        answers={204: None},
        refusals=(409,),
    )
    def delete(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        writing.delete_tool(self.tool(tool_set_id, tool_id), actor=self.actor)
        return Response(status=204)


class OmitTool(ToolView):
    """`POST …:omit`."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "omitTool",
        "Take a tool out, until it is restored",
        answers={200: ToolShape},
        query=[INCLUDE_INFO],
        refusals=(409,),
    )
    def post(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.omit([tool], actor=self.actor)
        return self.answer_tool(tool)


class RestoreTool(ToolView):
    """`POST …:restore`."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "restoreTool",
        "Bring back a tool that was taken out",
        answers={200: ToolShape},
        query=[INCLUDE_INFO],
        refusals=(409,),
    )
    def post(self, request: Request, tool_set_id: str, tool_id: str) -> Response:
        tool = self.tool(tool_set_id, tool_id)
        curating.restore([tool], actor=self.actor)
        wake_sync(tool.tool_set)
        return self.answer_tool(tool)
