"""REST about tool sets and their events."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView, found
from gateway.identity.editing import settled
from gateway.identity.roles import Right
from gateway.rest.masks import UPDATE_MASK
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from gateway.rest.updates import errors_at
from toolsets import connecting, documents, sync, tasks
from toolsets.api.answers import event_json, preview_json, tool_sets_json
from toolsets.api.lists import CONFIRM, INCLUDE_INFO, ToolSetList
from toolsets.api.serializers import PreviewBody, ToolSetBody, ToolSetUpdate
from toolsets.api.shapes import (
    OpenApiSpecShape,
    PreviewShape,
    ToolSetEventPage,
    ToolSetPage,
    ToolSetShape,
)
from toolsets.api.updates import (
    SET_PATHS,
    changed_tool_set_fields,
    new_tool_set_fields,
    previewed_adapter,
)
from toolsets.models import ToolSet, ToolSetEvent
from toolsets.previewing import preview

_MOST_WITH_DOCUMENT = 32 * 1024 * 1024
"""Bytes of a body that may hold an OpenAPI document."""


class ToolSetView(WorkspaceView):
    """What views about tool sets have in common."""

    topic = "Tool sets"

    @property
    def with_info(self) -> bool:
        return bool(self.query.flag("includeInfo"))

    def tool_set(self, reference: str) -> ToolSet:
        rows = ToolSet.objects.in_workspace(self.caller.workspace_id)
        tool_set: ToolSet = found(rows.select_related("sync", "created_by"), reference)
        return tool_set

    def shown(self, tool_sets: Sequence[ToolSet]) -> list[dict[str, Any]]:
        return list(tool_sets_json(tool_sets, self.caller, with_info=self.with_info))

    def answer(self, tool_set: ToolSet, *, status: int = 200) -> Response:
        """The tool set as it is now."""
        return Response(self.shown([self.tool_set(tool_set.pk)])[0], status=status)


class ToolSets(ToolSetView):
    """The tool sets of the workspace."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}
    max_body_bytes = _MOST_WITH_DOCUMENT

    @operation(
        "listToolSets",
        "List tool sets",
        answers={200: ToolSetPage},
        query=[*CURSOR_PAGE, ToolSetList, INCLUDE_INFO],
    )
    def get(self, request: Request) -> Response:
        rows = ToolSet.objects.in_workspace(self.caller.workspace_id)
        chosen = ToolSetList.chosen(
            rows.select_related("sync", "created_by"), request.query_params
        )
        return Response(page_of(chosen, self.query).body(self.shown))

    @operation(
        "createToolSet",
        "Connect an upstream as a tool set",
        body=ToolSetBody,
        answers={201: ToolSetShape},
        query=[INCLUDE_INFO],
        refusals=(409,),
    )
    def post(self, request: Request) -> Response:
        fields = new_tool_set_fields(self.body)
        with errors_at(_error_paths(fields["adapter_type"])):
            tool_set = connecting.connect(self.workspace, **fields, actor=self.actor)
        wake_sync(tool_set)
        return self.answer(tool_set, status=201)


class OneToolSet(ToolSetView):
    """One tool set."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PUT": Right.BUILD,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }
    max_body_bytes = _MOST_WITH_DOCUMENT

    @operation(
        "getToolSet",
        "Get a tool set",
        answers={200: ToolSetShape},
        query=[INCLUDE_INFO],
    )
    def get(self, request: Request, tool_set_id: str) -> Response:
        return self.answer(self.tool_set(tool_set_id))

    @operation(
        "updateToolSet",
        "Change a tool set",
        body=ToolSetUpdate,
        answers={200: ToolSetShape},
        query=[UPDATE_MASK, INCLUDE_INFO],
        refusals=(409,),
    )
    def put(self, request: Request, tool_set_id: str) -> Response:
        return self.answer(settled(lambda: self._changed(tool_set_id)))

    patch = put

    def _changed(self, tool_set_id: str) -> ToolSet:
        """The set as it is read now, with what the body and its mask say of it."""
        tool_set = self.tool_set(tool_set_id)
        fields = changed_tool_set_fields(tool_set, self.body, self.query)
        adapter_type = fields.get("adapter_type", tool_set.adapter_type)
        with errors_at(_error_paths(adapter_type)):
            changed = connecting.change(tool_set, **fields, actor=self.actor)
        if changed.adapter_version != tool_set.adapter_version:
            wake_sync(changed)
        return changed

    @operation(
        "deleteToolSet",
        "Delete a tool set and its tools",
        answers={204: None},
        query=[CONFIRM],
        refusals=(409,),
    )
    def delete(self, request: Request, tool_set_id: str) -> Response:
        tool_set, is_confirmed = self.tool_set(tool_set_id), self.query.flag("confirm")
        end = connecting.detach_and_delete if is_confirmed else connecting.delete
        end(tool_set, actor=self.actor)
        return Response(status=204)


class SyncToolSet(ToolSetView):
    """`POST …:sync`: bring the set's tools now."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "syncToolSet",
        "Bring a tool set's tools now",
        answers={202: ToolSetShape},
        query=[INCLUDE_INFO],
        refusals=(409,),
    )
    def post(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        sync.request_sync(tool_set, actor=self.actor)
        wake_sync(tool_set)
        return self.answer(tool_set, status=202)


class ArchiveToolSet(ToolSetView):
    """`POST …:archive`."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "archiveToolSet",
        "Take a tool set out of service",
        answers={200: ToolSetShape},
        query=[INCLUDE_INFO],
    )
    def post(self, request: Request, tool_set_id: str) -> Response:
        archived = connecting.archive(self.tool_set(tool_set_id), actor=self.actor)
        return self.answer(archived)


class UnarchiveToolSet(ToolSetView):
    """`POST …:unarchive`."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "unarchiveToolSet",
        "Put a tool set back into service",
        answers={200: ToolSetShape},
        query=[INCLUDE_INFO],
    )
    def post(self, request: Request, tool_set_id: str) -> Response:
        tool_set = connecting.unarchive(self.tool_set(tool_set_id), actor=self.actor)
        wake_sync(tool_set)
        return self.answer(tool_set)


class PreviewToolSet(ToolSetView):
    """`POST …:preview`: what the filters and approvals of an adapter would do. Nothing is saved."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "previewToolSet",
        "Show what the filters of an adapter would make of a tool set's tools",
        body=PreviewBody,
        answers={200: PreviewShape},
    )
    def post(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        adapter = previewed_adapter(tool_set, self.body)
        return Response(preview_json(preview(tool_set, adapter)))


class OpenApiSpec(ToolSetView):
    """The OpenAPI document that the last good sync read, as JSON in a text."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "getOpenApiSpec",
        "Get the OpenAPI document that a tool set's tools come from",
        answers={200: OpenApiSpecShape},
    )
    def get(self, request: Request, tool_set_id: str) -> Response:
        if not (spec := documents.consumed(self.tool_set(tool_set_id))):
            raise Http404
        return Response({"spec": spec})


class ToolSetEvents(ToolSetView):
    """The history of a set's syncs, newest first."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listToolSetEvents",
        "List a tool set's events, newest first",
        answers={200: ToolSetEventPage},
        query=[*CURSOR_PAGE, INCLUDE_INFO],
    )
    def get(self, request: Request, tool_set_id: str) -> Response:
        tool_set = self.tool_set(tool_set_id)
        rows = ToolSetEvent.objects.in_workspace(self.caller.workspace_id).filter(
            tool_set=tool_set
        )
        page = page_of(
            rows.select_related("created_by"), self.query, default_order="desc"
        )
        with_info = self.with_info
        return Response(
            page.body(
                lambda events: (
                    event_json(event, tool_set, self.caller, with_info=with_info)
                    for event in events
                )
            )
        )


def wake_sync(tool_set: ToolSet) -> None:
    """Wake a worker, once the change that makes the set's sync due is committed."""
    transaction.on_commit(partial(tasks.wake_sync, tool_set.pk))


def _error_paths(adapter_type: str) -> dict[str, tuple[str, ...]]:
    return {**SET_PATHS, "adapter": (*SET_PATHS["adapter"], adapter_type)}
