"""Decides about tools by hand: which are left out, which need approval, how they are labelled."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.editing import hold
from gateway.identity.roles import Right, allows
from toolsets.errors import ExternalIdTaken, ToolSetManaged
from toolsets.models import SyncState, Tool, ToolSet

CHANGEABLE = frozenset(
    {"status", "requires_approval", "labels", "external_id", "bundle_key"}
)
STATED = CHANGEABLE - {"status", "requires_approval"}
"""Those that are said of one tool alone, and kept as they are said."""
_PORTION = 500


class ToolArchived(Refused):
    """The tool is gone upstream; only a sync brings it back."""

    code = "tool_archived"


class ToolFiltered(Refused):
    """The tool set's filters leave the tool out; no hand can bring it back."""

    code = "tool_filtered"


def omit(tools: Iterable[Tool], *, actor: Actor) -> int:
    """Take tools out, until a person restores them; how many were not out before.

    Raises:
        ToolSetManaged: a person may not.
        ToolArchived: one of them is gone upstream. Nothing was changed.
    """
    return _for_each_set(tools, actor, _omit)


def restore(tools: Iterable[Tool], *, actor: Actor) -> int:
    """Bring omitted tools back; how many were out. The set's sync is due, which applies its filters to them again.

    Raises:
        ToolSetManaged: a person may not.
        ToolArchived: one of them is gone upstream.
        ToolFiltered: the set's filters leave one of them out. Nothing was changed.
    """
    return _for_each_set(tools, actor, _restore)


def require_approval(tools: Iterable[Tool], required: bool, *, actor: Actor) -> int:
    """Say by hand whether calls of these tools need approval, which a sync then keeps; how many changed.

    Raises:
        ToolSetManaged: a person may not.
    """

    def decide(tool_set: ToolSet, chosen: list[Tool], actor: Actor) -> int:
        return _decide_approval(tool_set, chosen, actor, required=required)

    return _for_each_set(tools, actor, decide)


def leave_approval_to_filters(tools: Iterable[Tool], *, actor: Actor) -> int:
    """Take back what was said by hand about approval; how many had it. The set's sync is due, which decides anew.

    Raises:
        ToolSetManaged: a person may not.
    """
    return _for_each_set(tools, actor, _leave_approval)


def change_tool(tool: Tool, *, actor: Actor, **fields: Any) -> Tool:
    """Give what people decide about a tool (see `CHANGEABLE`) new values.

    `status` is AVAILABLE (restores) or OMITTED (omits); FILTERED by hand counts as OMITTED.

    Raises:
        ValidationError, ExternalIdTaken, ToolSetManaged, ToolArchived, ToolFiltered
        ChangedMeanwhile: somebody else changed one of the fields since `tool` was read.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"A tool has no changeable {sorted(unknown)}.")
    check_managed(tool.tool_set, actor)
    current: Tool = Tool.objects.in_workspace(tool.workspace_id).get(pk=tool.pk)
    status = fields.pop("status", current.status)
    approval = fields.pop("requires_approval", None)
    changes = differences(current, fields)
    for name in changes:
        setattr(current, name, fields[name])
    _check(current, set(changes))
    with transaction.atomic():
        hold(tool, changes)
        _move_to(status, current, actor)
        if approval is not None:
            require_approval([current], approval, actor=actor)
        if changes:
            _save(current, sorted(changes))
            trail.record(actor, "tool.updated", subject=current, changes=changes)
    current.refresh_from_db()
    return current


def _for_each_set(
    tools: Iterable[Tool],
    actor: Actor,
    decide: Callable[[ToolSet, list[Tool], Actor], int],
) -> int:
    ordered = sorted(tools, key=lambda tool: (tool.tool_set_id, tool.pk))
    groups = [list(group) for _, group in groupby(ordered, lambda t: t.tool_set_id)]
    for group in groups:
        check_managed(group[0].tool_set, actor)
    return sum(decide(group[0].tool_set, group, actor) for group in groups)


def check_managed(tool_set: ToolSet, actor: Actor) -> None:
    """Raise `ToolSetManaged` when a person would change the tools of a managed set."""
    if tool_set.is_managed and actor.is_person:
        raise ToolSetManaged(
            f"{tool_set.name} is managed: only API keys may change its tools."
        )


def may_decide(tool_set: ToolSet, actor: Actor) -> bool:
    """Whether `actor` may decide about the tools of the set, and so also waive an approval or restore what was omitted."""
    is_kept_from = tool_set.is_managed and actor.is_person
    return allows(actor.role, Right.BUILD) and not is_kept_from


def _omit(tool_set: ToolSet, tools: list[Tool], actor: Actor) -> int:
    _check_not_archived(tools)
    before = [Tool.Status.AVAILABLE, Tool.Status.FILTERED]
    changed = {"status": Tool.Status.OMITTED, "status_reason": ""}
    return _update(tool_set, tools, actor, "tool.omitted", before, changed)


def _restore(tool_set: ToolSet, tools: list[Tool], actor: Actor) -> int:
    _check_not_archived(tools)
    if filtered := [t.name for t in tools if t.status == Tool.Status.FILTERED]:
        raise ToolFiltered(
            f"The filters of {tool_set.name} leave out {_listed(filtered)}. "
            "Change the tool set's filters to bring them back."
        )
    before = [Tool.Status.OMITTED]
    changed = {"status": Tool.Status.AVAILABLE, "status_reason": ""}
    count = _update(tool_set, tools, actor, "tool.restored", before, changed)
    SyncState.objects.filter(tool_set=tool_set).make_due(
        at=timezone.now(), requested_by_id=actor.profile_id
    )
    return count


def _check_not_archived(tools: list[Tool]) -> None:
    if gone := [t.name for t in tools if t.status == Tool.Status.ARCHIVED]:
        raise ToolArchived(
            f"{_listed(gone)}: gone from the upstream. A sync brings tools back when the upstream offers them again."
        )


def _update(
    tool_set: ToolSet,
    tools: list[Tool],
    actor: Actor,
    action: str,
    before: list[Tool.Status],
    changed: Mapping[str, Any],
) -> int:
    moving = [tool for tool in tools if tool.status in before]
    count = 0
    for portion in _portions(moving):
        with transaction.atomic():
            rows = Tool.objects.in_workspace(tool_set.workspace_id).filter(
                pk__in=[tool.pk for tool in portion], status__in=before
            )
            count += rows.update(**changed)
            _record(tool_set, portion, actor, action)
    return count


def _decide_approval(
    tool_set: ToolSet, tools: list[Tool], actor: Actor, *, required: bool
) -> int:
    action = "tool.approval_required" if required else "tool.approval_waived"
    moving = [
        tool
        for tool in tools
        if tool.requires_approval != required or not tool.is_approval_set_by_hand
    ]
    for portion in _portions(moving):
        with transaction.atomic():
            Tool.objects.in_workspace(tool_set.workspace_id).filter(
                pk__in=[tool.pk for tool in portion]
            ).update(requires_approval=required, is_approval_set_by_hand=True)
            _record(tool_set, portion, actor, action)
    return sum(tool.requires_approval != required for tool in moving)


def _leave_approval(tool_set: ToolSet, tools: list[Tool], actor: Actor) -> int:
    decided = [tool for tool in tools if tool.is_approval_set_by_hand]
    for portion in _portions(decided):
        with transaction.atomic():
            Tool.objects.in_workspace(tool_set.workspace_id).filter(
                pk__in=[tool.pk for tool in portion]
            ).update(is_approval_set_by_hand=False)
            _record(tool_set, portion, actor, "tool.approval_left_to_filters")
    if decided:
        _make_due(tool_set, actor)
    return len(decided)


def _make_due(tool_set: ToolSet, actor: Actor) -> None:
    SyncState.objects.filter(tool_set=tool_set).update(
        due_at=timezone.now(), requested_by_id=actor.profile_id
    )


def _portions(tools: list[Tool]) -> list[list[Tool]]:
    return [tools[i : i + _PORTION] for i in range(0, len(tools), _PORTION)]


def _record(tool_set: ToolSet, tools: list[Tool], actor: Actor, action: str) -> None:
    if len(tools) == 1:
        trail.record(actor, action, subject=tools[0])
    else:
        trail.record(
            actor,
            action,
            subject=tool_set,
            changes={"tools": [None, [tool.name for tool in tools]]},
        )


def _move_to(status: str, tool: Tool, actor: Actor) -> None:
    if status == tool.status:
        return
    match status:
        case Tool.Status.AVAILABLE:
            restore([tool], actor=actor)
        case Tool.Status.OMITTED | Tool.Status.FILTERED:
            omit([tool], actor=actor)
        case _:
            raise ValidationError(
                {
                    "status": "Only a sync archives tools. Give TOOL_STATUS_AVAILABLE or TOOL_STATUS_OMITTED."
                }
            )


def _check(tool: Tool, changed: set[str]) -> None:
    tool.clean_fields(exclude={f.name for f in tool._meta.fields} - changed)
    if tool.external_id and "external_id" in changed:
        _check_external_id_free(tool)


def _check_external_id_free(tool: Tool) -> None:
    others = Tool.objects.in_workspace(tool.workspace_id).exclude(pk=tool.pk)
    same = others.filter(tool_set_id=tool.tool_set_id, external_id=tool.external_id)
    if other := same.first():
        raise ExternalIdTaken("tool", tool.external_id, existing_id=other.pk)


def _save(tool: Tool, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            tool.save(update_fields=fields)
    except IntegrityError:  # a race for the external id
        _check_external_id_free(tool)
        raise


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
