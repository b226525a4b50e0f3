"""What an adapter says about one tool, and the bounds of what is kept of it, so that one bad tool costs only itself."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import Refused

MOST_BYTES = 256 * 1024
LONGEST_NAME = 255
LONGEST_TITLE = 2000
_DEEPEST = 64
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class ToolMalformed(Refused):
    """A tool cannot be used, or is more than we keep; the message says what is wrong, not which tool."""

    code = "tool_malformed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolDefinition:
    """A tool as its upstream defines it. What is large stays packed as JSON, because there may be 50,000."""

    name: str
    title: str
    description: str
    needs_tasks: bool
    packed: bytes

    def unpacked(self) -> dict[str, Any]:
        """The fields of a `Tool` that hold the rest: `parameters`, `output_schema`, `annotations` and `config`."""
        fields: dict[str, Any] = orjson.loads(self.packed)
        return fields


def checked_name(name: Any) -> str:
    """The name, if a tool may have it.

    Raises:
        ToolMalformed: it may not.
    """
    if not isinstance(name, str) or not name.strip():
        raise ToolMalformed("it has no name")
    if len(name) > LONGEST_NAME or _CONTROL.search(name):
        raise ToolMalformed(
            f"its name is longer than {LONGEST_NAME} characters or holds control characters"
        )
    return name


def shown_name(name: Any) -> str:
    """How to call a malformed tool in a message: its name, as far as it has one."""
    return (
        _CONTROL.sub("\ufffd", name)[:80]
        if isinstance(name, str) and name
        else "(none)"
    )


def checked_text(value: Any, member: str, *, at_most: int) -> str:
    """The text, "" for none.

    Raises:
        ToolMalformed: it is not text, too long, or nothing that a database keeps.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ToolMalformed(f"{member} is not text")
    if len(value) > at_most or _NOT_TEXT.search(value):
        raise ToolMalformed(f"{member} is too long, or holds what is not a character")
    return value


def packed(
    *,
    parameters: dict[str, Any],
    output_schema: Any,
    annotations: dict[str, Any],
    config: dict[str, Any] | None = None,
) -> bytes:
    """The schemas, annotations and configuration of a tool as JSON, within bounds.

    Raises:
        ToolMalformed: they are too large, too deep, or cannot be kept.
    """
    if parameters.get("type") != "object":
        raise ToolMalformed('inputSchema is not a JSON Schema of type "object"')
    if output_schema is not None and not isinstance(output_schema, dict):
        raise ToolMalformed("outputSchema is not an object")
    for hint in _HINTS:
        if not isinstance(annotations.get(hint), bool | None):
            raise ToolMalformed(f"annotations.{hint} is neither true nor false")
    parts = {
        "parameters": parameters,
        "output_schema": output_schema,
        "annotations": annotations,
        "config": config or {},
    }
    as_json = _as_json(parts)
    _check_bounds(as_json, *parts.values())
    return as_json


def _as_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as exc:  # too deep, a number beyond 64 bits, half a surrogate pair
        raise ToolMalformed(f"it cannot be kept as JSON ({exc})") from exc


def _check_bounds(packed: bytes, *parts: Any) -> None:
    if len(packed) > MOST_BYTES:
        raise ToolMalformed(f"its schemas take more than {MOST_BYTES // 1024} KiB")
    may_be_deep = packed.count(b"{") + packed.count(b"[") > _DEEPEST
    if may_be_deep and max(map(_depth, parts)) > _DEEPEST:
        raise ToolMalformed(f"its schemas are nested deeper than {_DEEPEST} levels")
    if _NUL_IN_JSON.search(packed):
        raise ToolMalformed("its schemas hold a NUL character")


def _depth(value: Any) -> int:
    """How deep objects and arrays are nested."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
