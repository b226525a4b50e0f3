"""Decides which changes of a plan whoever asks may not make, by the same rules as REST and the admin, and by the same words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.audit.trail import Actor
from gateway.errors import Refused
from toolpacks.bundles.changes import Action, Change, Kind, Plan, refused
from toolpacks.bundles.documents import as_kept
from toolpacks.bundles.holding import Holding
from toolpacks.bundles.members import TOOL_SET, values_of
from toolpacks.bundles.reading import split_adapter
from toolsets import connecting, curating
from toolsets.models import ToolSet

_NO_CHANGE = frozenset({Action.UNCHANGED, Action.REFUSED})


def permitted(plan: Plan, holding: Holding, *, actor: Actor) -> Plan:
    """The plan, with what `actor` may not do refused."""
    lost: dict[str, Change] = {}
    changes = []
    for change in plan.changes:
        changes.append(_judged(change, holding, lost, actor))
        if change.kind is Kind.TOOL_SET and not change.row:
            lost |= {c.key: c for c in changes[-1:] if c.action is Action.REFUSED}
    return replace(plan, changes=changes)


def _judged(
    change: Change, holding: Holding, lost: Mapping[str, Change], actor: Actor
) -> Change:
    """The change; `lost` are the tool sets that cannot be made, and their tools not either."""
    if change.action in _NO_CHANGE or change.kind is Kind.TOOL_PACK:
        return change
    set_key = change.key.partition("/")[0]
    if change.kind is Kind.TOOL and (made := lost.get(set_key)):
        return refused(change, made.code, f"Its tool set is refused: {made.reason}")
    try:
        if change.kind is Kind.TOOL:
            _check_tool(change, holding.tool_sets.get(set_key), actor)
        elif change.wanted is not None:
            _check_set(change, actor)
    except Refused as exc:
        return refused(change, exc.code, exc.message)
    return change


def _check_tool(change: Change, tool_set: ToolSet | None, actor: Actor) -> None:
    held = change.row.tool_set if change.row else tool_set
    if held is not None:
        curating.check_managed(held, actor)


def _check_set(change: Change, actor: Actor) -> None:
    fields = _fields(change)
    if change.row is None:
        connecting.check_may_connect(
            actor,
            is_managed=fields["is_managed"],
            allowed_networks=fields["allowed_networks"],
        )
    else:
        connecting.check_may_change(change.row, fields, actor)


def _fields(change: Change) -> dict[str, Any]:
    document = change.wanted.document if change.wanted else {}
    fields = values_of(TOOL_SET, as_kept(document))
    return {**fields, **split_adapter(fields)}
