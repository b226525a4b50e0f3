"""Decides what becomes of each resource, from what a bundle wants and what is there. Reads and writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolpacks.bundles.changes import (
    Action,
    Change,
    Kind,
    Plan,
    archived,
    differences,
    owned_by,
    refused,
)
from toolpacks.bundles.documents import as_kept, pack_document, tool_set_document
from toolpacks.bundles.holding import Holding
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Bundle, Wanted
from toolpacks.bundles.tool_planning import ToolPlanning, knows_tools_of
from toolpacks.models import ToolPack
from toolsets.models import ToolSet


def plan_of(bundle: Bundle, holding: Holding, *, key: str) -> Plan:
    """What applying the bundle does: sets before their tools, tools before packs, and what is no longer named last."""
    planning = _Planning(bundle=bundle, holding=holding, key=key)
    tools = ToolPlanning(bundle=bundle, holding=holding, key=key)
    return Plan(
        changes=[
            *planning.tool_sets(),
            *tools.changes(),
            *planning.packs(),
            *planning.left_over_packs(),
            *tools.left_over(),
            *planning.left_over_sets(),
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

    def left_over_packs(self) -> Iterator[Change]:
        for key, pack in sorted(self.holding.packs.items()):
            if self._owns(pack) and key not in self.bundle.packs and pack.is_enabled:
                yield archived(Kind.TOOL_PACK, key, pack)

    def left_over_sets(self) -> Iterator[Change]:
        for key, row in sorted(self.holding.tool_sets.items()):
            is_named = key in self.bundle.tool_sets
            if self._owns(row) and not is_named and row.is_active:
                note = self._still_used(row)
                yield replace(archived(Kind.TOOL_SET, key, row), note=note)
        yield from self._nameless()

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
                return refused(
                    change, "unknown_tool_set", f"There is no tool set {key}."
                )
            missing = self._missing(key, connector.get("tools", ()))
            if missing and self._is_known(key):
                words = f"{key} has no tool {', '.join(missing[:20])}."
                return refused(change, "unknown_tool", words)
            awaits = awaits or bool(missing)
        if not awaits or change.action is Action.UNCHANGED:
            return change
        note = "It waits for the sync of a tool set whose tools it names."
        return replace(change, awaits_sync=True, note=note)

    def _missing(self, key: str, names: Iterable[str]) -> list[str]:
        """Those of the names that are neither there nor made by this bundle."""
        row, wanted = self.holding.tool_sets.get(key), self.bundle.tool_sets.get(key)
        made = wanted.tool_names() if wanted and wanted.has_written_tools else set()
        return [
            name
            for name in names
            if name not in made
            and (not row or (row.pk, name) not in self.holding.tools)
        ]

    def _is_known(self, key: str) -> bool:
        """Whether a tool that is not there will not come by itself."""
        row, wanted = self.holding.tool_sets.get(key), self.bundle.tool_sets.get(key)
        if wanted is not None:
            return knows_tools_of(wanted, row, self.holding)
        return row is not None and row.pk in self.holding.settled

    # --- what all of them have in common ----------------------------------------------------------------------------

    def _owns(self, row: Any) -> bool:
        return bool(row.bundle_key == self.key)

    def _checked(self, change: Change, slugs: "_Slugs") -> Change:
        """The change, unless the row is not the bundle's, or its slug another's."""
        if change.row and not self._owns(change.row):
            return refused(change, "not_owned", owned_by(change.row))
        if other := slugs.other_owner(change):
            return refused(change, "slug_taken", f"{other} has the same slug.")
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
            yield refused(
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
