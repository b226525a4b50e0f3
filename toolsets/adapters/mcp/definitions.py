"""What an MCP upstream says about one tool."""

from collections.abc import Mapping
from typing import Any

from mcp.shared.inbound import find_invalid_x_mcp_header

from toolsets.adapters.definitions import (
    LONGEST_TITLE,
    MOST_BYTES,
    ToolDefinition,
    ToolMalformed,
    checked_name,
    checked_text,
    packed,
)


def definition_from(raw: Any) -> ToolDefinition:
    """Read one entry of a `tools/list` result.

    Raises:
        ToolMalformed: it cannot be used.
    """
    if not isinstance(raw, dict):
        raise ToolMalformed("it is not an object")
    annotations = _object(raw, "annotations")
    return ToolDefinition(
        name=checked_name(raw.get("name")),
        title=_title(raw) or _title(annotations),
        description=checked_text(
            raw.get("description"), "description", at_most=MOST_BYTES
        ),
        needs_tasks=_object(raw, "execution").get("taskSupport") == "required",
        packed=_packed(raw, annotations),
    )


def _title(raw: Mapping[str, Any]) -> str:
    return checked_text(raw.get("title"), "title", at_most=LONGEST_TITLE)


def _object(raw: Mapping[str, Any], member: str) -> dict[str, Any]:
    value = raw.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ToolMalformed(f"{member} is not an object")
    return value


def _packed(raw: Mapping[str, Any], annotations: dict[str, Any]) -> bytes:
    schema = raw.get("inputSchema")
    if not isinstance(schema, dict):
        raise ToolMalformed('inputSchema is not a JSON Schema of type "object"')
    as_json = packed(
        parameters=schema,
        output_schema=raw.get("outputSchema"),
        annotations=annotations,
    )
    if b"x-mcp-header" in as_json and (fault := find_invalid_x_mcp_header(schema)):
        raise ToolMalformed(f"x-mcp-header: {fault[:200]}")
    return as_json
