"""Decides what becomes of the tools of a bundle's sets: written by hand and defined here, or synced and decided about."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from toolpacks.bundles.changes import (
    Action,
    Change,
    Difference,
    Kind,
    archived,
    differences,
    owned_by,
    refused,
)
from toolpacks.bundles.documents import as_kept, decisions_document, written_document
from toolpacks.bundles.holding import Holding, tools_by_set
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Bundle, Wanted
from toolsets.models import Tool, ToolSet


def knows_tools_of(wanted: Wanted, row: ToolSet | None, holding: Holding) -> bool:
    """Whether a tool of this set that is not there will not come by itself, with its next sync."""
    if wanted.has_written_tools:
        return True
    if row is None or not row.is_active or row.pk not in holding.settled:
        return False
    return bool(
        as_kept(wanted.document)["spec"]["adapter"] == {row.adapter_type: row.adapter}
    )


@dataclass(frozen=True, kw_only=True)
class ToolPlanning:
    bundle: Bundle
    holding: Holding
    key: str

    @cached_property
    def by_set(self) -> dict[str, list[Tool]]:
        return tools_by_set(self.holding.tools)

    def changes(self) -> Iterator[Change]:
        for wanted in self.bundle.tool_sets.values():
            row = self.holding.tool_sets.get(wanted.key)
            of_set = self._written if wanted.has_written_tools else self._decided_about
            yield from of_set(wanted, row)

    def left_over(self) -> Iterator[Change]:
        """Written tools that are no longer named, and tools that carry the key in a set that does not."""
        for tool in self._owned():
            wanted = self.bundle.tool_sets.get(tool.tool_set.external_id)
            if tool.tool_set.bundle_key != self.key:
                change = Change(
                    kind=Kind.TOOL, key=_key(tool), action=Action.REFUSED, row=tool
                )
                yield refused(change, "not_owned", _STRAY)
            elif tool.tool_set.is_syncable or wanted is None:
                continue  # decisions are taken back, or the whole set is archived
            elif not tool.external_id:
                change = Change(
                    kind=Kind.TOOL, key=_key(tool), action=Action.REFUSED, row=tool
                )
                yield refused(change, "no_external_id", _NAMELESS)
            elif tool.external_id not in wanted.tools and not _is_archived(tool):
                key = f"{wanted.key}/{tool.external_id}"
                yield archived(Kind.TOOL, key, tool)

    # --- written by hand --------------------------------------------------------------------------------------------

    def _written(self, wanted: Wanted, tool_set: ToolSet | None) -> Iterator[Change]:
        tools = self.by_set.get(tool_set.pk, []) if tool_set else []
        by_id = {tool.external_id: tool for tool in tools if tool.external_id}
        by_name = {tool.name: tool for tool in tools}
        for defined in wanted.tools.values():
            row = by_id.get(defined.key)
            before = written_document(row) if row else {}
            found = differences(before, defined.document)
            change = Change(
                kind=Kind.TOOL,
                key=f"{wanted.key}/{defined.key}",
                action=_action(row, is_different=bool(found)),
                differences=found,
                wanted=defined,
                row=row,
            )
            namesake = by_name.get(defined.document["name"])
            if tool_set and tool_set.bundle_key != self.key:
                yield refused(change, "not_owned", _OF_OTHERS)
            elif row and row.bundle_key != self.key:
                yield refused(change, "not_owned", owned_by(row))
            elif namesake and namesake != row:
                yield refused(change, "name_taken", f"{namesake.pk} has the same name.")
            else:
                yield change

    # --- synced from an upstream ------------------------------------------------------------------------------------

    def _decided_about(
        self, wanted: Wanted, tool_set: ToolSet | None
    ) -> Iterator[Change]:
        for decided in wanted.tools.values():
            yield self._tool(wanted, tool_set, decided)
        if tool_set and tool_set.bundle_key == self.key:
            yield from self._released(tool_set, wanted)

    def _tool(
        self, wanted: Wanted, tool_set: ToolSet | None, decided: Wanted
    ) -> Change:
        change = Change(
            kind=Kind.TOOL,
            key=f"{wanted.key}/{decided.key}",
            action=Action.UPDATE,
            wanted=decided,
        )
        if tool_set and tool_set.bundle_key != self.key:
            return refused(change, "not_owned", _OF_OTHERS)
        row = self.holding.tools.get((tool_set.pk, decided.key)) if tool_set else None
        if row:
            return self._decision(change, row, decided.document)
        if knows_tools_of(wanted, tool_set, self.holding):
            return refused(change, "unknown_tool", _UNLISTED)
        found = differences({}, decided.document)
        return replace(change, differences=found, awaits_sync=True, note=_WAITS)

    def _decision(self, change: Change, row: Tool, after: Document) -> Change:
        if row.bundle_key not in {"", self.key}:
            return refused(change, "not_owned", owned_by(row))
        before = decisions_document(row)
        if _is_archived(row) and "status" in after.get("spec", {}):
            before.setdefault("spec", {})["status"] = after["spec"]["status"]
        found = differences(before, after)
        owner = self.key if after else ""
        if row.bundle_key != owner:
            owned = Difference(field="bundleKey", before=row.bundle_key, after=owner)
            found = (*found, owned)
        action = Action.UPDATE if found else Action.UNCHANGED
        return replace(change, row=row, action=action, differences=found)

    def _released(self, tool_set: ToolSet, wanted: Wanted) -> Iterator[Change]:
        """Tools that the bundle decided about and does not name any more: its decisions are taken back."""
        for row in self.by_set.get(tool_set.pk, []):
            if row.bundle_key == self.key and row.name not in wanted.tools:
                change = Change(
                    kind=Kind.TOOL,
                    key=f"{wanted.key}/{row.name}",
                    action=Action.UPDATE,
                    wanted=Wanted(key=row.name, document={}),
                    note=_RELEASED,
                )
                yield self._decision(change, row, {})

    def _owned(self) -> list[Tool]:
        owned = [t for t in self.holding.tools.values() if t.bundle_key == self.key]
        return sorted(owned, key=lambda tool: (tool.tool_set_id, tool.name))


def _action(row: Tool | None, *, is_different: bool) -> Action:
    if row is None:
        return Action.CREATE
    if _is_archived(row):
        return Action.UNARCHIVE
    return Action.UPDATE if is_different else Action.UNCHANGED


def _is_archived(tool: Tool) -> bool:
    return tool.status == Tool.Status.ARCHIVED


def _key(tool: Tool) -> str:
    return f"{tool.tool_set.external_id or tool.tool_set_id}/{tool.external_id or tool.name}"


_OF_OTHERS = "Its tool set is not this bundle's."
_UNLISTED = "The upstream of its tool set lists no such tool."
_WAITS = "It waits for the sync of its tool set."
_RELEASED = "It is no longer named: what the bundle decided about it is taken back."
_STRAY = (
    "The tool carries this bundle's key, its tool set does not. "
    "Hand the set over too, or take the key off the tool."
)
_NAMELESS = "It carries this bundle's key and has no external id, so no bundle can name it. Give it one."
