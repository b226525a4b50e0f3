"""Plans and runs of bundles in words, for people at a terminal."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.identity.command_base import shown
from toolpacks.bundles.changes import Action, Change, Plan
from toolpacks.models import BundleOutcome, BundleRun

_SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.UNARCHIVE: "^",
    Action.ARCHIVE: "-",
    Action.REFUSED: "!",
}


def plan_in_words(plan: Plan) -> str:
    """Each change with what differs, and how many of each there are; unchanged resources are only counted."""
    lines = [line for change in plan.ahead for line in _lines(change)]
    return "\n".join([*lines, _counted(plan.counts)])


def _lines(change: Change) -> Iterator[str]:
    sign = _SIGNS[change.action]
    yield f"{sign} {change.action} {change.kind} {shown(change.key)}"
    if change.reason:
        yield f"    {shown(change.reason)} ({change.code})"
    for one in change.differences:
        if change.action is Action.CREATE:
            yield f"    {one.field}: {_value(one.after)}"
        else:
            yield f"    {one.field}: {_value(one.before)} -> {_value(one.after)}"
    if change.note:
        yield f"    {shown(change.note)}"


def _value(value: Any) -> str:
    return shown(json.dumps(value, ensure_ascii=False))


def run_in_words(run: BundleRun) -> str:
    """What could not be done and why, and how many of each outcome there are."""
    wrong = run.outcomes.exclude(state=BundleOutcome.State.APPLIED).order_by("pk")
    lines = [
        f"! {one.state.lower()} {one.action} {one.kind} {shown(one.key)}\n    {shown(one.message)} ({one.code})"
        for one in wrong
    ]
    counts = {
        name: getattr(run, name)
        for name in ("applied", "unchanged", "refused", "failed")
    }
    return "\n".join([*lines, _counted(counts)])


def _counted(counts: Mapping[str, int]) -> str:
    some = [f"{count:,} {name}" for name, count in counts.items() if count]
    return f"{', '.join(some)}." if some else "Nothing to do."
