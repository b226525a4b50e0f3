"""Decides what becomes of each resource, from what a bundle wants and what is there. Reads and writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolpacks.bundles.changes import (
    Action,
    Change,
    Difference,
    Kind,
    Plan,
    differences,
)
from toolpacks.bundles.documents import (
    as_kept,
    decisions_document,
    pack_document,
    tool_set_document,
)
from toolpacks.bundles.holding import Holding
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Bundle, Wanted
from toolpacks.models import ToolPack
from toolsets.models import Tool, ToolSet


def plan_of(bundle: Bundle, holding: Holding, *, key: str) -> Plan:
    """What applying the bundle does: sets before their tools, tools before packs, and what is no longer named last."""
    planning = _Planning(bundle=bundle, holding=holding, key=key)
    return Plan(
        changes=[
            *planning.tool_sets(),
            *planning.tools(),
            *planning.packs(),
            *planning.left_over(),
        ]
    )


@dataclass(frozen=True, kw_only=True)
class _Planning:
    bundle: Bundle
    holding: Holding
    key: str

    def tool_sets(self) -> Iterator[Change]:
        slugs = _Slugs(self.holding.set_slugs, self.bundle.tool_sets)
        for wanted in self.bundle.tool_sets.values():
            row = self.holding.tool_sets.get(wanted.key)
            before = tool_set_document(row) if row else {}
            change = _resource(Kind.TOOL_SET, wanted, row, before)
            if row and not row.is_active:
                change = replace(change, action=Action.UNARCHIVE)
            yield self._checked(change, slugs)

    def tools(self) -> Iterator[Change]:
        for wanted in self.bundle.tool_sets.values():
            tool_set = self.holding.tool_sets.get(wanted.key)
            for decided in wanted.tools.values():
                yield self._tool(wanted, tool_set, decided)
            if tool_set and self._owns(tool_set):
                yield from self._released(tool_set, wanted)

    def packs(self) -> Iterator[Change]:
        slugs = _Slugs(self.holding.pack_slugs, self.bundle.packs)
        for wanted in self.bundle.packs.values():
            row = self.holding.packs.get(wanted.key)
            before = self._pack_document(row) if row else {}
            change = _resource(Kind.TOOL_PACK, wanted, row, before)
            if row and not row.is_enabled:
                change = replace(change, action=Action.UNARCHIVE)
            change = self._checked(change, slugs)
            yield self._connected(change, wanted)

    def left_over(self) -> Iterator[Change]:
        """What the bundle owns and does not name: archived in the order in which it was built up, reversed."""
        for key, pack in sorted(self.holding.packs.items()):
            if self._owns(pack) and key not in self.bundle.packs and pack.is_enabled:
                yield _archived(Kind.TOOL_PACK, key, pack)
        yield from self._stray_tools()
        for key, tool_set in sorted(self.holding.tool_sets.items()):
            if self._owns(tool_set) and key not in self.bundle.tool_sets and tool_set.is_active:  # fmt: skip
                note = self._still_used(tool_set)
                yield replace(_archived(Kind.TOOL_SET, key, tool_set), note=note)
        yield from self._nameless()

    # --- tools ------------------------------------------------------------------------------------------------------

    def _tool(
        self, wanted: Wanted, tool_set: ToolSet | None, decided: Wanted
    ) -> Change:
        change = Change(
            kind=Kind.TOOL,
            key=f"{wanted.key}/{decided.key}",
            action=Action.UPDATE,
            wanted=decided,
        )
        if tool_set and not self._owns(tool_set):
            return _refused(change, "not_owned", "Its tool set is not this bundle's.")
        row = self.holding.tools.get((tool_set.pk, decided.key)) if tool_set else None
        if row:
            return self._decided(change, row, decided.document)
        if tool_set and self._knows_tools_of(wanted, tool_set):
            return _refused(
                change,
                "unknown_tool",
                "The upstream of its tool set lists no such tool.",
            )
        change = replace(change, differences=differences({}, decided.document))
        return replace(
            change, awaits_sync=True, note="It waits for the sync of its tool set."
        )

    def _decided(self, change: Change, row: Tool, after: Document) -> Change:
        if row.bundle_key not in {"", self.key}:
            return _refused(change, "not_owned", _owned_by(row))
        before = decisions_document(row)
        if row.status == Tool.Status.ARCHIVED and "status" in after.get("spec", {}):
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
        for row in self._owned_tools():
            if row.tool_set_id == tool_set.pk and row.name not in wanted.tools:
                nothing = Wanted(key=row.name, document={})
                change = Change(
                    kind=Kind.TOOL,
                    key=f"{wanted.key}/{row.name}",
                    action=Action.UPDATE,
                    wanted=nothing,
                    note="It is no longer named: what the bundle decided about it is taken back.",
                )
                yield self._decided(change, row, {})

    def _stray_tools(self) -> Iterator[Change]:
        for row in self._owned_tools():
            if row.tool_set.bundle_key != self.key:
                change = Change(
                    kind=Kind.TOOL,
                    key=f"{row.tool_set.external_id or row.tool_set_id}/{row.name}",
                    action=Action.REFUSED,
                    row=row,
                )
                yield _refused(
                    change,
                    "not_owned",
                    "The tool carries this bundle's key, its tool set does not. Hand the set over too, or take the key off the tool.",
                )

    def _owned_tools(self) -> list[Tool]:
        owned = [t for t in self.holding.tools.values() if t.bundle_key == self.key]
        return sorted(owned, key=lambda tool: (tool.tool_set_id, tool.name))

    def _knows_tools_of(self, wanted: Wanted, tool_set: ToolSet) -> bool:
        """Whether a tool that is not there will not come by itself."""
        union = {tool_set.adapter_type: tool_set.adapter}
        is_moved = as_kept(wanted.document)["spec"]["adapter"] != union
        return tool_set.pk in self.holding.settled and not is_moved and tool_set.is_active  # fmt: skip

    # --- packs ------------------------------------------------------------------------------------------------------

    def _pack_document(self, pack: ToolPack) -> Document:
        return pack_document(pack, self.holding.connectors.get(pack.pk, {}))

    def _connected(self, change: Change, wanted: Wanted) -> Change:
        """The change, unless a connector names what is not there and will not come."""
        if change.action is Action.REFUSED:
            return change
        awaits = False
        for key, connector in wanted.document.get("connectors", {}).items():
            if key not in self.holding.tool_sets and key not in self.bundle.tool_sets:
                return _refused(
                    change, "unknown_tool_set", f"There is no tool set {key}."
                )
            missing = self._missing(key, connector.get("tools", ()))
            if missing and self._is_known(key):
                words = f"{key} has no tool {', '.join(missing[:20])}."
                return _refused(change, "unknown_tool", words)
            awaits = awaits or bool(missing)
        if not awaits or change.action is Action.UNCHANGED:
            return change
        note = "It waits for the sync of a tool set whose tools it names."
        return replace(change, awaits_sync=True, note=note)

    def _missing(self, key: str, names: Any) -> list[str]:
        row = self.holding.tool_sets.get(key)
        return [n for n in names if not row or (row.pk, n) not in self.holding.tools]

    def _is_known(self, key: str) -> bool:
        row, wanted = self.holding.tool_sets.get(key), self.bundle.tool_sets.get(key)
        if row is None or wanted is None:
            return row is not None and row.pk in self.holding.settled
        return self._knows_tools_of(wanted, row)

    # --- what all of them have in common ----------------------------------------------------------------------------

    def _owns(self, row: Any) -> bool:
        return bool(row.bundle_key == self.key)

    def _checked(self, change: Change, slugs: "_Slugs") -> Change:
        """The change, unless the row is not the bundle's, or its slug another's."""
        if change.row and not self._owns(change.row):
            return _refused(change, "not_owned", _owned_by(change.row))
        if other := slugs.other_owner(change):
            return _refused(change, "slug_taken", f"{other} has the same slug.")
        return change

    def _still_used(self, tool_set: ToolSet) -> str:
        users = self.holding.users.get(tool_set.pk, ())
        names = [pack.name for pack in users if not self._owns(pack)]
        if not names:
            return ""
        return (
            f"Packs that are not this bundle's lose its tools: {', '.join(names[:20])}."
        )

    def _nameless(self) -> Iterator[Change]:
        for row in self.holding.nameless:
            is_set = isinstance(row, ToolSet)
            change = Change(
                kind=Kind.TOOL_SET if is_set else Kind.TOOL_PACK,
                key=f"id:{row.pk}",
                action=Action.REFUSED,
                row=row,
            )
            yield _refused(
                change,
                "no_external_id",
                f"{row.name} carries this bundle's key and has no external id, so no bundle can name it. Give it one.",
            )


class _Slugs:
    """Who has each slug: a row by its id, or the first resource of the bundle that wants it."""

    def __init__(self, held: Mapping[str, str], wanted: Mapping[str, Wanted]) -> None:
        self._held = held
        self._first: dict[str, str] = {}
        for key, resource in wanted.items():
            if slug := resource.document.get("slug"):
                self._first.setdefault(slug, key)

    def other_owner(self, change: Change) -> str:
        """Who else has the slug that a change wants; empty when nobody has."""
        slug = change.wanted.document.get("slug") if change.wanted else None
        if slug is None:
            return ""
        owner = self._held.get(slug)
        if owner and owner != (str(change.row.pk) if change.row else ""):
            return owner
        first = self._first[slug]
        return "" if first == change.key else first


def _resource(kind: Kind, wanted: Wanted, row: Any, before: Document) -> Change:
    """What becomes of a resource by its document alone. A slug that is not given stays as it is."""
    after = as_kept(wanted.document) if kind is Kind.TOOL_SET else wanted.document
    if row and "slug" not in after:
        after = {**after, "slug": row.slug}
    found = differences(before, after)
    action = Action.UPDATE if found else Action.UNCHANGED
    return Change(
        kind=kind,
        key=wanted.key,
        action=action if row else Action.CREATE,
        differences=found,
        wanted=wanted,
        row=row,
    )


def _archived(kind: Kind, key: str, row: Any) -> Change:
    return Change(kind=kind, key=key, action=Action.ARCHIVE, row=row)


def _refused(change: Change, code: str, reason: str) -> Change:
    return replace(
        change,
        action=Action.REFUSED,
        code=code,
        reason=reason,
        differences=(),
        note="",
    )


def _owned_by(row: Any) -> str:
    if row.bundle_key:
        return f"It belongs to the bundle {row.bundle_key}."
    return "It exists and belongs to no bundle. To hand it over, set its bundleKey by REST."
