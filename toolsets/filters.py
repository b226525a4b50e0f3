"""The filters of an adapter: which tools a sync leaves out, and which need approval."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import re2
from django.core.exceptions import ValidationError

from toolsets.models import Tool

_OPERATORS = ("OPERATOR_AND", "OPERATOR_OR")
_NO_OPERATOR = ("", None, "OPERATOR_UNSPECIFIED")
_ATTRIBUTES = {
    "ATTRIBUTE_NAME": "name",
    "ATTRIBUTE_TITLE": "title",
    "ATTRIBUTE_DESCRIPTION": "description",
}
_MOST_FILTERS = 100
_LONGEST_PATTERN = 500

_NEEDS_TASKS = "It runs only as a task (execution.taskSupport), which is not relayed."
_EXCLUDED = "Left out by excludeTools."
_NOT_INCLUDED = "Not among the tools that includeTools names."


class Described(Protocol):
    """What filters look at; a `Tool` and an upstream's definition both have it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...


class Definition(Described, Protocol):
    """What a decision about a tool also needs."""

    @property
    def needs_tasks(self) -> bool: ...


class Decision(NamedTuple):
    """What a sync makes of a tool, as far as nobody decided otherwise by hand."""

    status: Tool.Status
    reason: str
    requires_approval: bool


def decide(definition: Definition, adapter: Mapping[str, Any]) -> Decision:
    """Judge one tool by an adapter's `includeTools`, `excludeTools` and `toolApprovals`. Exclude wins over include."""
    reason = _reason_to_leave_out(definition, adapter)
    return Decision(
        status=Tool.Status.FILTERED if reason else Tool.Status.AVAILABLE,
        reason=reason,
        requires_approval=needs_approval(definition, adapter.get("toolApprovals")),
    )


def needs_tasks_by(reason: str) -> bool:
    """Whether a tool was left out for a `reason` that no filter can change: it runs only as a task."""
    return reason == _NEEDS_TASKS


def _reason_to_leave_out(definition: Definition, adapter: Mapping[str, Any]) -> str:
    excluded, included = adapter.get("excludeTools"), adapter.get("includeTools")
    if definition.needs_tasks:
        return _NEEDS_TASKS
    if excluded is not None and matches(excluded, definition):
        return _EXCLUDED
    return "" if matches(included, definition) else _NOT_INCLUDED


def needs_approval(tool: Described, approvals: Mapping[str, Any] | None) -> bool:
    """Whether `toolApprovals` asks for an approval of every call of `tool`."""
    if not approvals:
        return False
    only = approvals.get("only")
    return bool(approvals.get("always")) or (only is not None and matches(only, tool))


def matches(tool_filter: Mapping[str, Any] | None, tool: Described) -> bool:
    """Whether a valid filter matches `tool`. No operator means AND; an empty filter matches everything."""
    conditions = (tool_filter or {}).get("filters") or []
    if not conditions:
        return True
    verdicts = (_holds(condition, tool) for condition in conditions)
    operator = (tool_filter or {}).get("operator")
    return any(verdicts) if operator == "OPERATOR_OR" else all(verdicts)


def _holds(condition: Mapping[str, Any], tool: Described) -> bool:
    text: str = getattr(tool, _ATTRIBUTES[condition["attribute"]])
    matcher = condition["matcher"]
    is_sensitive = bool(matcher.get("caseSensitive"))
    kind = next(kind for kind in _MATCHERS if kind in matcher)
    return _MATCHERS[kind](text, matcher[kind], is_sensitive)


def _folded(
    compare: Callable[[str, str], bool],
) -> Callable[[str, str, bool], bool]:
    def compared(text: str, wanted: str, is_sensitive: bool) -> bool:
        if is_sensitive:
            return compare(text, wanted)
        return compare(text.casefold(), wanted.casefold())

    return compared


def _found(text: str, pattern: str, is_sensitive: bool) -> bool:
    return _compiled(pattern, is_sensitive).search(text) is not None


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str, is_sensitive: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = is_sensitive
    return re2.compile(pattern, options)


_MATCHERS: dict[str, Callable[[str, str, bool], bool]] = {
    "exact": _folded(str.__eq__),
    "startsWith": _folded(str.startswith),
    "endsWith": _folded(str.endswith),
    "contains": _folded(str.__contains__),
    "regex": _found,
}


def validate_filter(value: Any) -> None:
    """Refuse what `matches` could not apply.

    Raises:
        ValidationError: one message per fault, each beginning with the path of the member at fault.
    """
    if faults := list(_faults(value)):
        raise ValidationError(faults)


def _faults(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield "A filter is an object with operator and filters."
        return
    yield from _unknown(value, {"operator", "filters"}, at="")
    operator = value.get("operator")
    if operator not in (*_NO_OPERATOR, *_OPERATORS):
        yield f"operator: must be one of {', '.join(_OPERATORS)}."
    conditions = value.get("filters")
    if conditions is None:
        return
    if not isinstance(conditions, list) or len(conditions) > _MOST_FILTERS:
        yield f"filters: must be a list of at most {_MOST_FILTERS}."
        return
    for index, condition in enumerate(conditions):
        yield from _condition_faults(condition, at=f"filters[{index}]")


def _condition_faults(condition: Any, *, at: str) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        yield f"{at}: must be an object with attribute and matcher."
        return
    yield from _unknown(condition, {"attribute", "matcher"}, at=f"{at}.")
    attribute = condition.get("attribute")
    if not isinstance(attribute, str) or attribute not in _ATTRIBUTES:
        yield f"{at}.attribute: must be one of {', '.join(_ATTRIBUTES)}."
    yield from _matcher_faults(condition.get("matcher"), at=f"{at}.matcher")


def _matcher_faults(matcher: Any, *, at: str) -> Iterator[str]:
    if not isinstance(matcher, Mapping):
        yield f"{at}: must be an object with one of {', '.join(_MATCHERS)}."
        return
    yield from _unknown(matcher, {*_MATCHERS, "caseSensitive", "type"}, at=f"{at}.")
    given = [kind for kind in _MATCHERS if kind in matcher]
    if len(given) != 1:
        yield f"{at}: must have exactly one of {', '.join(_MATCHERS)}."
        return
    if matcher.get("type", given[0]) != given[0]:
        yield f"{at}.type: must be {given[0]}, the member that is given, or be left out."
    if not isinstance(matcher.get("caseSensitive", False), bool):
        yield f"{at}.caseSensitive: must be true or false."
    yield from _text_faults(given[0], matcher[given[0]], at=f"{at}.{given[0]}")


def _text_faults(kind: str, text: Any, *, at: str) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield f"{at}: must be text, and not empty."
    elif len(text) > _LONGEST_PATTERN:
        yield f"{at}: must be at most {_LONGEST_PATTERN} characters long."
    elif kind == "regex":
        try:
            _compiled(text, True)
        except re2.error as exc:
            yield f"{at}: is not a regular expression that RE2 accepts: {_words(exc)}."


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _unknown(value: Mapping[str, Any], known: set[str], *, at: str) -> Iterator[str]:
    for member in value:
        if member not in known:
            yield f"{at}{member}: is not a member of a filter."
