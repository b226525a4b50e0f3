"""Merges what an upstream lists into a tool set, in short portions, each a consistent state."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from gateway import bus
from gateway.identity.editing import settled
from toolsets import claims
from toolsets.adapters.definitions import ToolDefinition
from toolsets.claims import Claim
from toolsets.filters import decide
from toolsets.models import Tool
from toolsets.signals import tools_changed

_DEFINED = (
    "title",
    "description",
    "parameters",
    "output_schema",
    "annotations",
    "config",
)
_SERVED = (Tool.Status.AVAILABLE, Tool.Status.FILTERED)
_GONE = "The upstream does not offer it any more."

_LARGEST_PORTION = 500
_SMALLEST_PORTION = 25
_FIRST_PORTION = 50
_PORTION_SECONDS = {"sqlite": 0.015, "postgresql": 0.040}
_LONGEST_PAUSE_SECONDS = {"sqlite": 1.0, "postgresql": 0.010}
"""During a portion nobody else writes to SQLite. On PostgreSQL others write beside it, so it may take longer and rest less."""
_SHORTEST_PAUSE_SECONDS = 0.005
_YIELD_SECONDS = 0.001


@dataclass(kw_only=True)
class Counts:
    """What a merge did."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    archived: int = 0
    written: int = 0

    def __str__(self) -> str:
        return f"{self.added} new, {self.changed} changed, {self.archived} archived"


@dataclass(kw_only=True)
class Portion:
    """The changes of some tools, computed; nothing of them is written yet."""

    new: list[Tool] = field(default_factory=list)
    changed: list[Tool] = field(default_factory=list)
    moves: dict[tuple[str, str, str], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )
    approvals: dict[bool, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.moves or self.approvals)


class Pace:
    """How large the next portion may be, so that it takes other writers no more than a moment, and the pause after it."""

    def __init__(self) -> None:
        self.size = _FIRST_PORTION

    def rest(self, seconds: float, written: int) -> None:
        """Pause after a portion of `written` rows that took `seconds`: about as long, where others waited for it."""
        if written >= self.size // 2:
            may_take = _PORTION_SECONDS[connection.vendor]
            fitting = int(written * may_take / max(seconds, 0.001))
            self.size = max(_SMALLEST_PORTION, min(_LARGEST_PORTION, fitting))
        longest = _LONGEST_PAUSE_SECONDS[connection.vendor]
        time.sleep(min(longest, max(_SHORTEST_PAUSE_SECONDS, seconds)))


def merge(
    claim: Claim,
    offered: dict[str, ToolDefinition],
    *,
    between_portions: Callable[[], None],
) -> Counts:
    """Bring the tools of the claimed set to what is `offered`: add, change, bring back, and archive what is gone.

    Raises:
        ClaimLost, ChangedMeanwhile: nothing more may be written; portions written before stay.
    """
    counts, pace, names = Counts(), Pace(), iter(offered)
    while slice_of_names := list(itertools.islice(names, pace.size)):
        between_portions()
        definitions = [offered[name] for name in slice_of_names]
        portion = _compared(claim, definitions)
        _write(claim, portion, counts, pace)
    for portion in _vanished(claim, offered, pace):
        between_portions()
        _write(claim, portion, counts, pace)
    return counts


def _compared(claim: Claim, definitions: Iterable[ToolDefinition]) -> Portion:
    wanted = {definition.name: definition for definition in definitions}
    known = {
        tool.name: tool
        for tool in _tools_of(claim).filter(name__in=list(wanted)).iterator()
    }
    portion = Portion()
    for name, definition in wanted.items():
        if tool := known.get(name):
            _compare(tool, definition, claim, portion)
        else:
            portion.new.append(_new_tool(definition, claim))
    return portion


def _tools_of(claim: Claim) -> Any:
    tools = Tool.objects.in_workspace(claim.tool_set.workspace_id)
    return tools.filter(tool_set=claim.tool_set)


def _new_tool(definition: ToolDefinition, claim: Claim) -> Tool:
    decision = decide(definition, claim.tool_set.adapter)
    return Tool(
        workspace_id=claim.tool_set.workspace_id,
        tool_set=claim.tool_set,
        created_by_id=claim.created_by_id,
        name=definition.name,
        status=decision.status,
        status_reason=decision.reason,
        requires_approval=decision.requires_approval,
        **_defined(definition),
    )


def _defined(definition: ToolDefinition) -> dict[str, Any]:
    return {
        "title": definition.title,
        "description": definition.description,
        **definition.unpacked(),
    }


def _compare(
    tool: Tool, definition: ToolDefinition, claim: Claim, portion: Portion
) -> None:
    defined = _defined(definition)
    if any(getattr(tool, name) != value for name, value in defined.items()):
        for name, value in defined.items():
            setattr(tool, name, value)
        portion.changed.append(tool)
    decision = decide(definition, claim.tool_set.adapter)
    is_decided = (tool.status, tool.status_reason) == (decision.status, decision.reason)
    if tool.status != Tool.Status.OMITTED and not is_decided:
        move = (tool.status, decision.status.value, decision.reason)
        portion.moves[move].append(tool.pk)
    if (
        not tool.is_approval_set_by_hand
        and tool.requires_approval != decision.requires_approval
    ):
        portion.approvals[decision.requires_approval].append(tool.pk)


def _vanished(
    claim: Claim, offered: dict[str, ToolDefinition], pace: Pace
) -> Iterator[Portion]:
    """Served tools that the upstream no longer offers. An omitted one stays omitted, whatever the upstream does."""
    served = _tools_of(claim).filter(status__in=_SERVED)
    rows = served.values_list("pk", "name", "status").iterator(chunk_size=2000)
    gone = iter([(pk, status) for pk, name, status in rows if name not in offered])
    while some := list(itertools.islice(gone, pace.size)):
        portion = Portion()
        for pk, status in some:
            portion.moves[status, Tool.Status.ARCHIVED.value, _GONE].append(pk)
        yield portion


def _write(claim: Claim, portion: Portion, counts: Counts, pace: Pace) -> None:
    if not portion:
        time.sleep(_YIELD_SECONDS)
        return
    rows = (
        len(portion.new) + len(portion.changed) + sum(map(len, portion.moves.values()))
    )
    seconds = settled(lambda: _written(claim, portion, counts.written + rows))
    _count(portion, rows, counts)
    bus.publish("workspace-changed", {"workspace": claim.tool_set.workspace_id})
    pace.rest(seconds, rows)


def _written(claim: Claim, portion: Portion, tools_written: int) -> float:
    """For how many seconds others waited for us. People may edit the same tools: where that ends in a deadlock, it is made anew."""
    with transaction.atomic():
        started = time.monotonic()
        claims.write_under(claim, tools_written=tools_written)
        _save(claim, portion)
    return time.monotonic() - started


def _save(claim: Claim, portion: Portion) -> None:
    """Each update names what it found, so that what a person decided meanwhile stays."""
    Tool.objects.bulk_create(portion.new)
    Tool.objects.bulk_create(
        portion.changed,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=_DEFINED,
    )
    for (before, after, reason), ids in portion.moves.items():
        _tools_of(claim).filter(pk__in=ids, status=before).update(
            status=after, status_reason=reason
        )
    for is_required, ids in portion.approvals.items():
        _tools_of(claim).filter(pk__in=ids, is_approval_set_by_hand=False).update(
            requires_approval=is_required
        )
    if defined := [*portion.new, *portion.changed]:
        tools_changed.send(sender=Tool, tool_set=claim.tool_set, tools=defined)


def _count(portion: Portion, rows: int, counts: Counts) -> None:
    counts.added += len(portion.new)
    counts.changed += len(portion.changed)
    counts.written += rows
    for (_, after, _), ids in portion.moves.items():
        counts.moved += len(ids)
        counts.archived += len(ids) if after == Tool.Status.ARCHIVED else 0
