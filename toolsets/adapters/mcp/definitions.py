"""What an upstream says about one tool, checked on its own, so that one bad tool costs only itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from mcp.shared.inbound import find_invalid_x_mcp_header

from gateway.errors import Refused

_MOST_BYTES = 256 * 1024
_DEEPEST = 64
_LONGEST_NAME = 255
_LONGEST_TITLE = 2000
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class ToolMalformed(Refused):
    """A tool is not what the protocol allows, or more than we keep; the message says what is wrong, not which tool."""

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
        """The fields of a `Tool` that hold the rest: `parameters`, `output_schema` and `annotations`."""
        fields: dict[str, Any] = orjson.loads(self.packed)
        return fields


def definition_from(raw: Any) -> ToolDefinition:
    """Read one entry of a `tools/list` result.

    Raises:
        ToolMalformed: it cannot be used.
    """
    if not isinstance(raw, dict):
        raise ToolMalformed("it is not an object")
    annotations = _object(raw, "annotations")
    return ToolDefinition(
        name=_name(raw),
        title=_text(raw, "title", at_most=_LONGEST_TITLE)
        or _text(annotations, "title", at_most=_LONGEST_TITLE),
        description=_text(raw, "description", at_most=_MOST_BYTES),
        needs_tasks=_object(raw, "execution").get("taskSupport") == "required",
        packed=_packed(_input_schema(raw), raw.get("outputSchema"), annotations),
    )


def name_of(raw: Any) -> str:
    """How to call a malformed tool in a message: its name, as far as it has one."""
    name = raw.get("name") if isinstance(raw, dict) else None
    return _CONTROL.sub("�", name)[:80] if isinstance(name, str) and name else "(none)"


def _name(raw: Mapping[str, Any]) -> str:
    name = raw.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ToolMalformed("it has no name")
    if len(name) > _LONGEST_NAME or _CONTROL.search(name):
        raise ToolMalformed(
            f"its name is longer than {_LONGEST_NAME} characters or holds control characters"
        )
    return name


def _text(raw: Mapping[str, Any], member: str, *, at_most: int) -> str:
    value = raw.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ToolMalformed(f"{member} is not text")
    if len(value) > at_most or "\x00" in value:
        raise ToolMalformed(f"{member} is too long, or holds a NUL character")
    return value


def _object(raw: Mapping[str, Any], member: str) -> dict[str, Any]:
    value = raw.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ToolMalformed(f"{member} is not an object")
    return value


def _input_schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    schema = raw.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ToolMalformed('inputSchema is not a JSON Schema of type "object"')
    return schema


def _packed(
    schema: dict[str, Any], output_schema: Any, annotations: dict[str, Any]
) -> bytes:
    if output_schema is not None and not isinstance(output_schema, dict):
        raise ToolMalformed("outputSchema is not an object")
    for hint in _HINTS:
        if not isinstance(annotations.get(hint), bool | None):
            raise ToolMalformed(f"annotations.{hint} is neither true nor false")
    packed = _as_json(
        {
            "parameters": schema,
            "output_schema": output_schema,
            "annotations": annotations,
        }
    )
    _check_bounds(packed, schema, output_schema, annotations)
    _check_headers(packed, schema)
    return packed


def _as_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as exc:  # too deep, a number beyond 64 bits, half a surrogate pair
        raise ToolMalformed(f"it cannot be kept as JSON ({exc})") from exc


def _check_bounds(packed: bytes, *parts: Any) -> None:
    if len(packed) > _MOST_BYTES:
        raise ToolMalformed(f"its schemas take more than {_MOST_BYTES // 1024} KiB")
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


def _check_headers(packed: bytes, schema: dict[str, Any]) -> None:
    if b"x-mcp-header" in packed and (fault := find_invalid_x_mcp_header(schema)):
        raise ToolMalformed(f"x-mcp-header: {fault[:200]}")
