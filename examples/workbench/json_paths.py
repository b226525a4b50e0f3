"""Finds parts of a JSON document by a dotted path."""

import json
from typing import Any


class PathLeadsNowhere(Exception):
    """The document is not JSON, or has nothing at the path."""


def pick(document: str, path: str) -> Any:
    """The part of `document` at `path`, such as `orders.0.total`; `*` takes every item of a list or object.

    Raises:
        PathLeadsNowhere: the text is not JSON, or a step of the path finds nothing.
    """
    try:
        value = json.loads(document)
    except (ValueError, RecursionError) as exc:
        raise PathLeadsNowhere("The document is not valid JSON.") from exc
    return _follow(value, [step for step in path.split(".") if step])


def _follow(value: Any, steps: list[str]) -> Any:
    if not steps:
        return value
    step, *rest = steps
    match value:
        case list() if step == "*":
            return [_follow(item, rest) for item in value]
        case dict() if step == "*":
            return [_follow(item, rest) for item in value.values()]
        case list() if step.isdecimal() and int(step) < len(value):
            return _follow(value[int(step)], rest)
        case dict() if step in value:
            return _follow(value[step], rest)
        case _:
            raise PathLeadsNowhere(f"There is nothing at {step!r}. {_described(value)}")


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"Keys here: {', '.join(list(value)[:20]) or 'none'}."
    if isinstance(value, list):
        return f"Here is a list of {len(value)}."
    return "Here is a plain value, which has no parts."
