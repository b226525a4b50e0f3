"""What a workspace holds of what a bundle names or owns, read in a bounded number of queries."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from gateway.identity.models import Workspace
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Bundle
from toolpacks.models import Connector, ConnectorTool, ToolPack
from toolsets.models import Tool, ToolSet

_DEFINED = ("parameters", "output_schema", "annotations", "config", "description")
EMPTY = Bundle(tool_sets={}, packs={})


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Rows by external id, and what is needed to judge them. `nameless` are owned rows without an external id.

    `tools` are by tool set and name (of sets whose tools are written by hand, all of them), `connectors` by pack and what they hold, as in a bundle's document.
    `settled` are the tool sets whose tools are known: they were synced, and no sync is due or running.
    """

    tool_sets: Mapping[str, ToolSet]
    packs: Mapping[str, ToolPack]
    nameless: tuple[ToolSet | ToolPack, ...]
    tools: Mapping[tuple[str, str], Tool]
    connectors: Mapping[UUID, Mapping[str, Document]]
    settled: frozenset[str]
    users: Mapping[str, tuple[ToolPack, ...]]
    """The packs that hold a tool set, by the set's id."""
    set_slugs: Mapping[str, str]
    pack_slugs: Mapping[str, str]


def holding_of(workspace: Workspace, key: str, bundle: Bundle = EMPTY) -> Holding:
    """What is there of the bundle."""
    tool_sets = _tool_sets(workspace, key, bundle)
    packs = list(
        ToolPack.objects.in_workspace(workspace).filter(
            Q(bundle_key=key) | Q(external_id__in=list(bundle.packs))
        )
    )
    set_ids = [tool_set.pk for tool_set in tool_sets]
    slugs = ToolSet.objects.in_workspace(workspace).values_list("slug", "pk")
    pack_slugs = ToolPack.objects.in_workspace(workspace).values_list("slug", "pk")
    return Holding(
        tool_sets={one.external_id: one for one in tool_sets if one.external_id},
        packs={one.external_id: one for one in packs if one.external_id},
        nameless=tuple(one for one in (*tool_sets, *packs) if not one.external_id),
        tools=_tools(workspace, key, bundle, set_ids),
        connectors=_connectors([pack.pk for pack in packs]),
        settled=frozenset(one.pk for one in tool_sets if _is_settled(one)),
        users=_users(workspace, set_ids),
        set_slugs=dict(slugs),
        pack_slugs={slug: str(pk) for slug, pk in pack_slugs},
    )


def _tool_sets(workspace: Workspace, key: str, bundle: Bundle) -> list[ToolSet]:
    """Those that the bundle owns or names, itself or as a connector."""
    named = {
        *bundle.tool_sets,
        *(name for pack in bundle.packs.values() for name in _connected(pack.document)),
    }
    rows = ToolSet.objects.in_workspace(workspace).select_related("sync")
    return list(rows.filter(Q(bundle_key=key) | Q(external_id__in=sorted(named))))


def _connected(document: Document) -> Mapping[str, Document]:
    connectors: Mapping[str, Document] = document.get("connectors", {})
    return connectors


def _tools(
    workspace: Workspace, key: str, bundle: Bundle, set_ids: list[str]
) -> dict[tuple[str, str], Tool]:
    """Those that the bundle owns or names, itself or as the choice of a connector."""
    names: set[str] = set().union(*(w.tool_names() for w in bundle.tool_sets.values()))
    for pack in bundle.packs.values():
        for connector in _connected(pack.document).values():
            names.update(connector.get("tools", ()))
    rows = Tool.objects.in_workspace(workspace).select_related("tool_set")
    wanted = Q(bundle_key=key) | Q(tool_set__in=set_ids, name__in=sorted(names))
    is_written = Q(tool_set__adapter_type=ToolSet.AdapterType.HTTP)
    found = [
        *rows.filter(wanted).exclude(is_written).defer(*_DEFINED),
        *rows.filter(wanted | Q(tool_set__in=set_ids), is_written),
    ]
    return {(tool.tool_set_id, tool.name): tool for tool in found}


def _connectors(packs: list[UUID]) -> dict[UUID, dict[str, Document]]:
    """What each pack holds, by the external id of the tool set, or by `id:` and its id where it has none."""
    chosen: dict[int, list[str]] = defaultdict(list)
    held = ConnectorTool.objects.filter(connector__pack__in=packs)
    for connector, name in held.values_list("connector_id", "tool__name"):
        chosen[connector].append(name)
    documents: dict[UUID, dict[str, Document]] = defaultdict(dict)
    rows = Connector.objects.filter(pack__in=packs).select_related("tool_set")
    for connector in rows:
        tool_set = connector.tool_set
        name = tool_set.external_id or f"id:{tool_set.pk}"
        documents[connector.pack_id][name] = _connector(connector, chosen[connector.pk])
    return {pack: dict(sorted(held.items())) for pack, held in documents.items()}


def _connector(connector: Connector, chosen: list[str]) -> Document:
    said: Document = {}
    if connector.prefix is not None:
        said["prefix"] = connector.prefix
    if connector.mode == Connector.Mode.CHOSEN:
        said["tools"] = sorted(chosen)
    return said


def _is_settled(tool_set: ToolSet) -> bool:
    if not tool_set.is_syncable:
        return True
    sync = getattr(tool_set, "sync", None)
    if sync is None or sync.last_succeeded_at is None or sync.claimed_at:
        return False
    return sync.due_at is None or sync.due_at > timezone.now()


def _users(workspace: Workspace, set_ids: list[str]) -> dict[str, tuple[ToolPack, ...]]:
    users: dict[str, tuple[ToolPack, ...]] = defaultdict(tuple)
    rows = Connector.objects.in_workspace(workspace).filter(tool_set__in=set_ids)
    for connector in rows.select_related("pack").order_by("pack__name", "pk"):
        users[connector.tool_set_id] += (connector.pack,)
    return users


def tools_by_set(tools: Mapping[Any, Tool]) -> dict[str, list[Tool]]:
    """The tools of each set, by name."""
    found: dict[str, list[Tool]] = defaultdict(list)
    for tool in sorted(tools.values(), key=lambda tool: tool.name):
        found[tool.tool_set_id].append(tool)
    return found
