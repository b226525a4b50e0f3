"""Gives recorded calls the names of what they tell of, in a few queries for a whole page; facts may outlive them."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Model
from ulid import ULID

from gateway.identity.admin_display import chip
from gateway.identity.models import AgentProfile, ApiKey, RegisteredUser
from gateway.identity.ownership import WorkspaceQuerySet
from gateway.mcp.models import ToolCall
from toolpacks.models import ToolPack
from toolsets.models import ToolSet

TONES = {
    ToolCall.State.RUNNING: "busy",
    ToolCall.State.WAITING: "busy",
    ToolCall.State.SUCCEEDED: "good",
    ToolCall.State.REFUSED: "warn",
    ToolCall.State.FAILED: "bad",
    ToolCall.State.INTERRUPTED: "bad",
}

_NAMED: dict[str, type[Model]] = {
    "tool_set": ToolSet,
    "registered_user": RegisteredUser,
    "agent_profile": AgentProfile,
    "api_key": ApiKey,
}


def labelled(calls: Iterable[Any], workspace_id: str) -> list[Any]:
    """The calls, each with `chip`, and with the name of its tool set, pack, user, agent and key, or the bare id."""
    calls = list(calls)
    for kind, model in _NAMED.items():
        ids = {getattr(call, f"{kind}_id") for call in calls} - {""}
        rows = WorkspaceQuerySet(model).in_workspace(workspace_id).filter(pk__in=ids)
        _name(calls, kind, {row.pk: str(row) for row in rows} if ids else {})
    _name(calls, "pack", _packs(calls, workspace_id))
    for call in calls:
        state = ToolCall.State(call.state)
        call.chip = chip(state.label, TONES[state])
    return calls


def first_id_since(moment: datetime) -> str:
    """The smallest id a call of this moment can have: ids sort by when they were made, and are indexed."""
    return f"call_{str(ULID.from_datetime(moment))[:10]}{'0' * 16}"


def _name(calls: Sequence[Any], kind: str, names: dict[str, str]) -> None:
    for call in calls:
        known = getattr(call, f"{kind}_id")
        setattr(call, f"{kind}_name", names.get(known, known))


def _packs(calls: Sequence[Any], workspace_id: str) -> dict[str, str]:
    ids = {uuid.UUID(call.pack_id) for call in calls if call.pack_id}
    if not ids:
        return {}
    packs = ToolPack.objects.in_workspace(workspace_id).filter(pk__in=ids)
    return {str(pack.pk): pack.name for pack in packs}
