"""REST about tool packs and their connectors."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView
from gateway.identity.editing import settled
from gateway.identity.roles import Right
from gateway.rest.numbered_pages import NUMBERED_PAGE, numbered_page, whole_page
from gateway.rest.operations import operation
from toolpacks import packing
from toolpacks.api.answers import connectors_json, packs_json
from toolpacks.api.lists import PackList
from toolpacks.api.serializers import ConnectorsBody, PackBody, PackChanges
from toolpacks.api.shapes import ConnectorPage, ToolPackPage, ToolPackShape
from toolpacks.declaring import (
    Declared,
    attachments,
    replace_connectors,
    upsert_connectors,
)
from toolpacks.models import ToolPack
from toolsets.models import ToolSet


class PackView(WorkspaceView):
    """What views about packs have in common."""

    topic = "Tool packs"

    def pack(self, reference: str) -> ToolPack:
        rows = ToolPack.objects.in_workspace(self.caller.workspace_id)
        pack: ToolPack | None = rows.referred_to_as(reference).first()
        if pack is None:
            raise Http404
        return pack

    def answer(self, pack: ToolPack, *, status: int = 200) -> Response:
        """The pack as it is now."""
        now: ToolPack = ToolPack.objects.in_workspace(pack.workspace_id).get(pk=pack.pk)
        return Response(packs_json([now])[0], status=status)


class ToolPacks(PackView):
    """The packs of the workspace."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}

    @operation(
        "listToolPacks",
        "List tool packs",
        answers={200: ToolPackPage},
        query=[*NUMBERED_PAGE, PackList],
    )
    def get(self, request: Request) -> Response:
        rows = ToolPack.objects.in_workspace(self.caller.workspace_id)
        chosen = PackList.chosen(rows, request.query_params)
        return numbered_page(chosen.order_by("created_at", "pk"), request, packs_json)

    @operation(
        "createToolPack",
        "Create a tool pack",
        body=PackBody,
        answers={201: ToolPackShape},
        refusals=(409,),
    )
    def post(self, request: Request) -> Response:
        body = PackBody(data=self.body)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        declared = fields.pop("connectors", [])
        pack = packing.create_pack(
            self.workspace,
            **fields,
            attachments=attachments(self.workspace, declared, existing=()),
            actor=self.actor,
        )
        return self.answer(pack, status=201)


class OneToolPack(PackView):
    """One pack."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }

    @operation("getToolPack", "Get a tool pack", answers={200: ToolPackShape})
    def get(self, request: Request, pack: str) -> Response:
        return self.answer(self.pack(pack))

    @operation(
        "updateToolPack",
        "Change a tool pack",
        body=PackChanges,
        answers={200: ToolPackShape},
        refusals=(409,),
    )
    def patch(self, request: Request, pack: str) -> Response:
        held = self.pack(pack)
        body = PackChanges(data=self.body)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        declared = fields.pop("connectors", None)
        return self.answer(settled(lambda: self._changed(held.pk, fields, declared)))

    def _changed(
        self, pk: UUID, fields: dict[str, Any], declared: list[Declared] | None
    ) -> ToolPack:
        held = self.pack(str(pk))
        with transaction.atomic():
            changed = packing.change_pack(held, **fields, actor=self.actor)
            if declared is not None:
                replace_connectors(changed, declared, actor=self.actor)
        return changed

    @operation(
        "deleteToolPack",
        "Delete a tool pack",
        answers={204: None},
        refusals=(409,),
    )
    def delete(self, request: Request, pack: str) -> Response:
        settled(lambda: packing.delete_pack(self.pack(pack), actor=self.actor))
        return Response(status=204)


class Connectors(PackView):
    """The connectors of a pack: PUT replaces all of them, PATCH only those that it names."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PUT": Right.BUILD,
        "PATCH": Right.BUILD,
    }

    @operation(
        "listConnectors", "List a pack's connectors", answers={200: ConnectorPage}
    )
    def get(self, request: Request, pack: str) -> Response:
        return whole_page(connectors_json(self.pack(pack)))

    @operation(
        "replaceConnectors",
        "Replace all connectors of a pack",
        body=ConnectorsBody,
        answers={200: ConnectorPage},
        refusals=(409,),
    )
    def put(self, request: Request, pack: str) -> Response:
        return self._declared(pack, replace_connectors)

    @operation(
        "updateConnectors",
        "Add connectors to a pack, or change those it has",
        body=ConnectorsBody,
        answers={200: ConnectorPage},
        refusals=(409,),
    )
    def patch(self, request: Request, pack: str) -> Response:
        return self._declared(pack, upsert_connectors)

    def _declared(self, reference: str, declare: Callable[..., None]) -> Response:
        pk, declared = str(self.pack(reference).pk), self.declared()
        settled(lambda: declare(self.pack(pk), declared, actor=self.actor))
        return whole_page(connectors_json(self.pack(pk)))

    def declared(self) -> list[Declared]:
        """The connectors of the body: a list, or an object that holds it."""
        given: Any = self.request.data
        if not isinstance(given, (list, Mapping)):
            raise ValidationError("The body must be a list of connectors.")
        if isinstance(given, list):
            given = {"connectors": given}
        body = ConnectorsBody(data=given)
        body.is_valid(raise_exception=True)
        declared: list[Declared] = body.validated_data["connectors"]
        return declared


class OneConnector(PackView):
    """One connector."""

    rights: ClassVar = {"DELETE": Right.BUILD}

    @operation(
        "deleteConnector",
        "Take a tool set out of a pack",
        answers={204: None},
        refusals=(409,),
    )
    def delete(self, request: Request, pack: str, slug: str) -> Response:
        pk = str(self.pack(pack).pk)
        rows = ToolSet.objects.in_workspace(self.caller.workspace_id)
        tool_set: ToolSet | None = rows.filter(slug=slug).first()
        if tool_set is None or not settled(lambda: self._is_detached(pk, tool_set)):
            raise Http404
        return Response(status=204)

    def _is_detached(self, pk: str, tool_set: ToolSet) -> bool:
        return packing.detach(self.pack(pk), tool_set, actor=self.actor)
