"""What a plan holds: one change for each resource, with what is different, or why nothing can be done."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from toolpacks.bundles.confidential import without_values
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Wanted

_LONGEST_SHOWN = 300
_DEEPEST_TAKEN_APART = 3


class Kind(StrEnum):
    TOOL_SET = "toolSet"
    TOOL = "tool"
    TOOL_PACK = "toolPack"


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    UNARCHIVE = "unarchive"
    ARCHIVE = "archive"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One member that differs, by its dotted path; None where a side does not have it."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one resource. `key` is its external id, after that of its tool set and a slash where it is a tool.

    `code` and `reason` say why it is refused, `note` what else to know; `awaits_sync` that it can only be applied when
    the tool set was synced. `row` is what is there now.
    """

    kind: Kind
    key: str
    action: Action
    differences: Sequence[Difference] = ()
    code: str = ""
    reason: str = ""
    note: str = ""
    awaits_sync: bool = False
    wanted: Wanted | None = None
    row: Any = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The changes in the order in which they are applied."""

    changes: Sequence[Change]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(change.action for change in self.changes)
        return {action.value: found[action] for action in Action}

    @property
    def awaits_sync(self) -> bool:
        """Whether a part can only be applied when tool sets were synced."""
        return any(change.awaits_sync for change in self.changes)

    @property
    def ahead(self) -> list[Change]:
        """The changes that are not unchanged: what an apply has to decide about."""
        return [c for c in self.changes if c.action is not Action.UNCHANGED]


def differences(before: Document, after: Document) -> tuple[Difference, ...]:
    """The members that differ, deepest first named; what a person typed as a secret is hidden."""
    if before == after:
        return ()
    found = tuple(_differing(without_values(before), without_values(after), ""))
    return found or (Difference(field="spec.adapter", before="•••", after="•••"),)


def _differing(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if _are_compared_inside(before, after, path):
        for name in {**(before or {}), **(after or {})}:
            inner = f"{path}.{name}" if path else name
            yield from _differing(
                (before or {}).get(name), (after or {}).get(name), inner
            )
    elif before != after:
        yield Difference(field=path, before=_shown(before), after=_shown(after))


def _are_compared_inside(before: Any, after: Any, path: str) -> bool:
    """Two objects are; one that is new or gone only near the top, so that a schema is not taken to pieces."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return True
    alone = before if after is None else after
    is_alone = (
        (before is None or after is None) and isinstance(alone, Mapping) and bool(alone)
    )
    return is_alone and path.count(".") < _DEEPEST_TAKEN_APART


def _shown(value: Any) -> Any:
    """The value, or its beginning where it is long."""
    if not isinstance(value, str | list | dict):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST_SHOWN:
        return value
    return f"{text[:_LONGEST_SHOWN]}… ({len(text):,} characters)"


def archived(kind: Kind, key: str, row: Any) -> Change:
    """The change that takes out of service what is no longer named."""
    return Change(kind=kind, key=key, action=Action.ARCHIVE, row=row)


def refused(change: Change, code: str, reason: str) -> Change:
    """The change that is not made, and why."""
    return replace(
        change,
        action=Action.REFUSED,
        code=code,
        reason=reason,
        differences=(),
        note="",
    )


def owned_by(row: Any) -> str:
    """Whose a row is that is not this bundle's, and what to do about it."""
    if row.bundle_key:
        return f"It belongs to the bundle {row.bundle_key}."
    return "It exists and belongs to no bundle. To hand it over, set its bundleKey by REST."
