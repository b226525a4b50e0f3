"""Counts what packs expose and which agents reach a tool set, for many rows in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from gateway.identity.models import ApiKey
from toolpacks.models import ApiKeyPack, Connector
from toolsets.models import Tool, ToolSet

_EXPOSED_BY_ALL = Q(
    mode=Connector.Mode.ALL, tool_set__tools__status=Tool.Status.AVAILABLE
)
_EXPOSED_BY_CHOICE = Q(
    mode=Connector.Mode.CHOSEN, chosen__tool__status=Tool.Status.AVAILABLE
)


def tool_counts(pack_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many tools each pack exposes; packs that expose none are left out."""
    return _served(Connector.objects.filter(pack__in=list(pack_ids)))


def tools_by_pack(tool_set: ToolSet) -> dict[UUID, int]:
    """How many of the set's tools each pack exposes; packs that expose none are left out."""
    return _served(Connector.objects.filter(tool_set=tool_set))


def _served(connectors: QuerySet[Connector]) -> dict[UUID, int]:
    connectors = connectors.filter(tool_set__state=ToolSet.State.ACTIVE)
    counts: dict[UUID, int] = defaultdict(int)
    for exposed, counted in (
        (_EXPOSED_BY_ALL, "tool_set__tools"),
        (_EXPOSED_BY_CHOICE, "chosen__tool"),
    ):
        found = connectors.filter(exposed).values("pack").annotate(count=Count(counted))
        for pack, count in found.values_list("pack", "count"):
            counts[pack] += count
    return dict(counts)


def agent_counts(workspace_id: str, tool_set_ids: Sequence[str]) -> Mapping[str, int]:
    """How many agent profiles reach each tool set: through a usable runtime key and a pack that holds the set."""
    unlimited, limited = _agents_by_pack(workspace_id)
    agents: dict[str, set[str]] = defaultdict(set)
    held = Connector.objects.in_workspace(workspace_id).filter(
        tool_set__in=tool_set_ids,
        tool_set__state=ToolSet.State.ACTIVE,
        pack__is_enabled=True,
    )
    for tool_set_id, pack_id in held.values_list("tool_set_id", "pack_id"):
        agents[tool_set_id] |= unlimited | limited.get(pack_id, set())
    return {tool_set_id: len(reaching) for tool_set_id, reaching in agents.items()}


def _agents_by_pack(workspace_id: str) -> tuple[set[str], dict[UUID, set[str]]]:
    """The agents that reach every pack, and those that reach only some."""
    keys = _usable_keys_of_agents(workspace_id)
    unlimited = {k.agent_profile_id for k in keys.values() if not k.is_limited_to_packs}
    limited: dict[UUID, set[str]] = defaultdict(set)
    limits = ApiKeyPack.objects.filter(api_key__in=list(keys))
    for key_id, pack_id in limits.values_list("api_key_id", "pack_id"):
        limited[pack_id].add(keys[key_id].agent_profile_id)
    return unlimited, limited


def _usable_keys_of_agents(workspace_id: str) -> dict[str, Any]:
    bound = ApiKey.objects.in_workspace(workspace_id).filter(
        agent_profile__isnull=False, revoked_at=None
    )
    now = timezone.now()
    return {
        key.pk: key
        for key in bound
        if key.is_usable(at=now) and ApiKey.Scope.RUNTIME in key.scopes
    }
