"""What holds tool sets in apps above: they register here in `AppConfig.ready()`, since nothing imports upwards."""

from dataclasses import dataclass
from typing import Protocol

from gateway.audit.trail import Actor
from toolsets.models import ToolSet


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Something that uses a tool set, and how many of the set's tools it serves."""

    id: str
    name: str
    tools: int


class Holder(Protocol):
    """An app that uses tool sets."""

    def holds_on(self, tool_set: ToolSet) -> list[Hold]:
        """What of it uses the set, by name."""

    def let_go(self, tool_set: ToolSet, *, actor: Actor) -> None:
        """Use the set no more, and record that, within the caller's transaction."""


_holders: list[Holder] = []


def register(holder: Holder) -> None:
    if holder not in _holders:
        _holders.append(holder)


def holds_on(tool_set: ToolSet) -> list[Hold]:
    """Everything that uses the set."""
    return [hold for holder in _holders for hold in holder.holds_on(tool_set)]


def let_go(tool_set: ToolSet, *, actor: Actor) -> None:
    """Make everything let the set go, within the caller's transaction."""
    for holder in _holders:
        holder.let_go(tool_set, actor=actor)
