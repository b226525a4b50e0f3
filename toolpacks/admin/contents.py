"""What a pack holds, as its pages show it: connectors, counts, and the names that result on the wire."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from toolpacks.models import Connector, ToolPack
from toolpacks.wire_names import Entry, wire_names
from toolsets.models import Tool, ToolSet


@dataclass(frozen=True, kw_only=True)
class Served:
    """A tool as agents see it."""

    wire_name: str
    tool_id: str
    name: str
    tool_set: str


def mcp_url(pack: ToolPack, user_id: str) -> str:
    """Where an agent finds the pack on behalf of a registered user."""
    return f"{settings.PUBLIC_URL}/tool-packs/{pack.pk}/registered-users/{user_id}/mcp"


def connectors_of(packs: Iterable[ToolPack]) -> list[Any]:
    """The connectors of these packs in the order of their surface, each with `serves`: how many tools it shows."""
    connectors: list[Any] = list(
        Connector.objects.filter(pack__in=list(packs))
        .select_related("tool_set__sync")
        .annotate(
            chosen_total=Count("chosen"),
            chosen_available=Count(
                "chosen", filter=Q(chosen__tool__status=Tool.Status.AVAILABLE)
            ),
        )
        .order_by("created_at", "pk")
    )
    available = _available({connector.tool_set_id for connector in connectors})
    for connector in connectors:
        follows = connector.mode == Connector.Mode.ALL
        connector.of_set = available.get(connector.tool_set_id, 0)
        connector.serves = (
            (connector.of_set if follows else connector.chosen_available)
            if connector.tool_set.is_active
            else 0
        )
    return connectors


def served(pack: ToolPack) -> list[Served]:
    """Every tool that the pack shows, by the names agents see."""
    connectors = list(
        Connector.objects.filter(pack=pack, tool_set__state=ToolSet.State.ACTIVE)
        .select_related("tool_set")
        .order_by("created_at", "pk")
    )
    entries = [
        Entry(connector.wire_prefix, name, connector.tool_set_id, tool_id)
        for connector in connectors
        for tool_id, name in _held(connector)
    ]
    names = wire_names(entries)
    sets = {connector.tool_set_id: connector.tool_set.name for connector in connectors}
    return [
        Served(
            wire_name=names[entry.tool_id],
            tool_id=entry.tool_id,
            name=entry.name,
            tool_set=sets[entry.tool_set_id],
        )
        for entry in entries
    ]


def names_if(pack: ToolPack, tool_set: ToolSet, prefix: str) -> dict[str, str]:
    """The wire names of all of a set's tools, by tool id, if they went into the pack with this prefix."""
    others = [
        Entry(connector.wire_prefix, name, connector.tool_set_id, tool_id)
        for connector in Connector.objects.filter(pack=pack)
        .exclude(tool_set=tool_set)
        .select_related("tool_set")
        .order_by("created_at", "pk")
        for tool_id, name in _held(connector)
    ]
    tools = Tool.objects.filter(tool_set=tool_set).order_by("name", "pk")
    own = [
        Entry(prefix, name, tool_set.pk, tool_id)
        for tool_id, name in tools.values_list("pk", "name")
    ]
    return wire_names([*others, *own])


def _held(connector: Connector) -> Sequence[tuple[str, str]]:
    tools = Tool.objects.filter(status=Tool.Status.AVAILABLE)
    if connector.mode == Connector.Mode.ALL:
        tools = tools.filter(tool_set=connector.tool_set_id)
    else:
        tools = tools.filter(chosen_in__connector=connector)
    return list(tools.order_by("name", "pk").values_list("pk", "name"))


def _available(tool_set_ids: set[str]) -> dict[str, int]:
    rows = Tool.objects.filter(
        tool_set__in=tool_set_ids, status=Tool.Status.AVAILABLE
    ).values_list("tool_set")
    return dict(rows.annotate(count=Count("pk")))
