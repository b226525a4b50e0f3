"""Says what filters would make of a tool set's tools, before anything is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from toolsets.filters import Definition, decide, needs_tasks_by
from toolsets.models import Tool, ToolSet

_BY_HAND = "Left out by hand, which a sync never undoes."
_READ = (
    "name",
    "title",
    "description",
    "status",
    "status_reason",
    "requires_approval",
    "is_approval_set_by_hand",
)


class Outcome(NamedTuple):
    """What a sync would make of one tool; `is_new` where it would be something else than now."""

    name: str
    title: str
    status: Tool.Status
    reason: str
    requires_approval: bool
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a sync would make of every tool, by name."""

    outcomes: list[Outcome]

    def having(self, status: Tool.Status) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == status]

    @property
    def needing_approval(self) -> list[Outcome]:
        """The available tools whose calls would need approval."""
        available = self.having(Tool.Status.AVAILABLE)
        return [outcome for outcome in available if outcome.requires_approval]

    @property
    def changing(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.is_new]


class _Kept(NamedTuple):
    """A tool as it is kept, and as filters look at it."""

    name: str
    title: str
    description: str
    status: str
    status_reason: str
    requires_approval: bool
    is_approval_set_by_hand: bool

    @property
    def needs_tasks(self) -> bool:
        return needs_tasks_by(self.status_reason)


def preview(tool_set: ToolSet, adapter: Mapping[str, Any]) -> Preview:
    """What the filters of `adapter` would make of the tools that the set has; what people decided by hand stays."""
    tools = Tool.objects.in_workspace(tool_set.workspace_id).filter(tool_set=tool_set)
    kept = tools.exclude(status=Tool.Status.ARCHIVED).values_list(*_READ)
    return Preview(
        outcomes=[_outcome(_Kept(*row), adapter) for row in kept.order_by("name", "pk")]
    )


def preview_of(
    definitions: Iterable[Definition], adapter: Mapping[str, Any]
) -> Preview:
    """What the filters of `adapter` would make of tools that no set has yet."""
    return Preview(
        outcomes=[
            Outcome(
                name=definition.name,
                title=definition.title,
                is_new=False,
                **decide(definition, adapter)._asdict(),
            )
            for definition in sorted(definitions, key=lambda one: one.name)
        ]
    )


def _outcome(tool: _Kept, adapter: Mapping[str, Any]) -> Outcome:
    decision = decide(tool, adapter)
    status, reason = decision.status, decision.reason
    if tool.status == Tool.Status.OMITTED:
        status, reason = Tool.Status.OMITTED, _BY_HAND
    approval = decision.requires_approval
    if tool.is_approval_set_by_hand:
        approval = tool.requires_approval
    is_new = (status, approval) != (tool.status, tool.requires_approval)
    return Outcome(tool.name, tool.title, status, reason, approval, is_new)
