"""Surfaces: what a pack shows and lets call, compiled from one snapshot of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import ge
from typing import Any, NamedTuple

from django.db.models import F, FilteredRelation, Q, QuerySet, TextField
from django.db.models.functions import Cast

from gateway.database import one_snapshot
from gateway.identity import revisions
from gateway.identity.models import RegisteredUser
from gateway.identity.revisions import Revisions
from toolpacks.models import ApiKeyPack, Connector, Grant, ToolPack
from toolpacks.wire_names import Entry, wire_names
from toolsets.headers import credential_generation
from toolsets.models import Tool, ToolSet

_EXTERNAL_ID = "external_id:"
_COPIES = 4
"""How often a surface may hold its texts: as they are, and rendered for each era."""

_ADDRESSES = ("baseUrl", "url")
"""The members of an adapter that may say where calls go; an OpenAPI tool compares it with where its document sent it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceToolSet:
    """What a call needs to know of a tool set. Header values still name their secrets."""

    tool_set_id: str
    name: str
    adapter_type: str
    url: str
    networks: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    adapter_version: int
    credential_generation: int
    interactions: frozenset[str]
    protocol_version: str
    transport: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceTool:
    """A tool as a pack shows it. Schemas and annotations are JSON text, as the database holds them."""

    wire_name: str
    tool_id: str
    upstream_name: str
    title: str
    description: str
    parameters: str
    output_schema: str
    annotations: str
    config: str
    fingerprint: str
    requires_approval: bool
    tool_set: SurfaceToolSet

    @property
    def size(self) -> int:
        return (
            len(self.parameters)
            + len(self.output_schema)
            + len(self.config)
            + len(self.description)
            + 600
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PackSurface:
    """The part of a surface that everybody with the pack shares, true at the revisions `number` and `set_numbers`.

    `set_numbers` are those of `tool_sets`, the ids of the sets whose tools it holds: a sync of another set leaves it as
    it is. `renderings` holds what higher layers make of the surface, for as long as it lives.
    """

    number: int
    tool_sets: tuple[str, ...]
    set_numbers: tuple[int, ...]
    workspace_id: str
    pack_id: str
    name: str
    is_granted_only: bool
    limited_keys: frozenset[str]
    tools: Mapping[str, SurfaceTool]
    size: int
    renderings: dict[str, Any] = field(default_factory=dict, repr=False)

    def is_current(self, now: Revisions) -> bool:
        """Whether nothing that shapes it changed. `now` must have been asked about its `tool_sets`."""
        return self.number >= now.shared and all(
            map(ge, self.set_numbers, now.tool_sets)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class UserAccess:
    """The part of a surface that is one registered user's, true at their own revision `number`."""

    number: int
    registered_user_id: str
    is_active: bool
    packs: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Nothing in the workspace is called so, true at revision `number`."""

    number: int


def compile_pack(workspace_id: str, reference: str) -> PackSurface | Missing:
    """The surface of the pack with this id or slug. Blocks; the revisions are of the same snapshot."""
    with one_snapshot():
        number = revisions.read([(workspace_id, "")])[workspace_id, ""]
        pack = (
            ToolPack.objects.in_workspace(workspace_id)
            .referred_to_as(reference)
            .filter(is_enabled=True)
            .first()
        )
        if pack is None:
            return Missing(number=number)
        connectors = list(
            Connector.objects.in_workspace(workspace_id)
            .filter(pack=pack, tool_set__state=ToolSet.State.ACTIVE)
            .select_related("tool_set__sync")
            .order_by("created_at", "pk")
        )
        rows = _tool_rows(workspace_id, connectors)
        sets = {
            connector.tool_set_id: _surface_set(connector.tool_set)
            for connector in connectors
        }
        of_sets = revisions.read((workspace_id, tool_set) for tool_set in sets)
        limited = ApiKeyPack.objects.filter(pack=pack).values_list(
            "api_key_id", flat=True
        )
        tools = _tools(connectors, rows, sets)
        return PackSurface(
            number=number,
            tool_sets=tuple(sets),
            set_numbers=tuple(of_sets[workspace_id, tool_set] for tool_set in sets),
            workspace_id=workspace_id,
            pack_id=str(pack.pk),
            name=pack.name,
            is_granted_only=pack.access == ToolPack.Access.GRANTED,
            limited_keys=frozenset(limited),
            tools=tools,
            size=_COPIES * sum(tool.size for tool in tools.values()) + 2000,
        )


def load_user(workspace_id: str, reference: str) -> UserAccess | Missing:
    """The registered user with this id, or with this `external_id:<origin user id>`. Blocks."""
    column = "origin_user_id" if reference.startswith(_EXTERNAL_ID) else "pk"
    with one_snapshot():
        user = (
            RegisteredUser.objects.in_workspace(workspace_id)
            .filter(**{column: reference.removeprefix(_EXTERNAL_ID)})
            .first()
        )
        if user is None:
            return Missing(number=0)
        number = revisions.read([(workspace_id, user.pk)])[workspace_id, user.pk]
        packs = Grant.objects.in_workspace(workspace_id).filter(registered_user=user)
        return UserAccess(
            number=number,
            registered_user_id=user.pk,
            is_active=user.is_active,
            packs=frozenset(
                str(pack) for pack in packs.values_list("pack_id", flat=True)
            ),
        )


class _ToolRow(NamedTuple):
    pk: str
    tool_set_id: str
    name: str
    title: str
    description: str
    parameters_text: str
    output_schema_text: str | None
    annotations_text: str
    config_text: str
    fingerprint: str | None
    requires_approval: bool


def _tool_rows(workspace_id: str, connectors: list[Connector]) -> list[_ToolRow]:
    followed = [c.tool_set_id for c in connectors if c.mode == Connector.Mode.ALL]
    choosing = [c.pk for c in connectors if c.mode == Connector.Mode.CHOSEN]
    available = Tool.objects.in_workspace(workspace_id).available()
    rows: list[_ToolRow] = []
    if followed:
        rows += _rows(available.filter(tool_set__in=followed))
    if choosing:
        rows += _rows(available.filter(chosen_in__connector__in=choosing))
    return rows


def _rows(tools: "QuerySet[Tool]") -> list[_ToolRow]:
    query = tools.annotate(
        version=FilteredRelation("versions", condition=Q(versions__replaced_at=None)),
        fingerprint=F("version__fingerprint"),
        parameters_text=Cast("parameters", TextField()),
        output_schema_text=Cast("output_schema", TextField()),
        annotations_text=Cast("annotations", TextField()),
        config_text=Cast("config", TextField()),
    ).order_by("name", "pk")
    return [_ToolRow(*row) for row in query.values_list(*_ToolRow._fields)]


def _tools(
    connectors: list[Connector], rows: list[_ToolRow], sets: dict[str, SurfaceToolSet]
) -> dict[str, SurfaceTool]:
    by_set: dict[str, list[_ToolRow]] = {}
    for row in rows:
        by_set.setdefault(row.tool_set_id, []).append(row)
    entries = [
        Entry(connector.wire_prefix, row.name, row.tool_set_id, row.pk)
        for connector in connectors
        for row in by_set.get(connector.tool_set_id, [])
    ]
    names = wire_names(entries)
    ordered = [
        row for connector in connectors for row in by_set.get(connector.tool_set_id, [])
    ]
    return {
        names[row.pk]: _surface_tool(row, names[row.pk], sets[row.tool_set_id])
        for row in ordered
    }


def _surface_tool(row: _ToolRow, name: str, tool_set: SurfaceToolSet) -> SurfaceTool:
    return SurfaceTool(
        wire_name=name,
        tool_id=row.pk,
        upstream_name=row.name,
        title=row.title,
        description=row.description,
        parameters=row.parameters_text,
        output_schema=""
        if row.output_schema_text in (None, "null")
        else str(row.output_schema_text),
        annotations="" if row.annotations_text == "{}" else row.annotations_text,
        config="" if row.config_text == "{}" else row.config_text,
        fingerprint=row.fingerprint or "",
        requires_approval=row.requires_approval,
        tool_set=tool_set,
    )


def _surface_set(tool_set: ToolSet) -> SurfaceToolSet:
    adapter = tool_set.adapter
    sync = getattr(tool_set, "sync", None)
    return SurfaceToolSet(
        tool_set_id=tool_set.pk,
        name=tool_set.name,
        adapter_type=tool_set.adapter_type,
        url=next((adapter[one] for one in _ADDRESSES if adapter.get(one)), ""),
        networks=tool_set.reachable_networks,
        headers=adapter.get("headers") or {},
        adapter_version=tool_set.adapter_version,
        credential_generation=credential_generation(tool_set),
        interactions=frozenset(
            i for i in ("elicitation", "sampling", "roots") if tool_set.relays(i)
        ),
        protocol_version=sync.protocol_version if sync else "",
        transport=sync.transport if sync else "",
    )
