"""The tools that the conformance suite calls by name: what they are called and what they take."""

from typing import Any

from mcp_types import Tool

_ADDRESS = {
    "$anchor": "addressDef",
    "type": "object",
    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
}
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": _ADDRESS},
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {
        "properties": {"contactMethod": {"const": "phone"}},
        "required": ["contactMethod"],
    },
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
HEADER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "query": {"type": "string"},
    },
    "required": ["query"],
}
_TEXT_ARGUMENT = {"test_sampling": "prompt", "test_elicitation": "message"}

PLAIN = (
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_progress",
    "test_tool_with_logging",
    "test_reconnection",
    "test_trigger_tool_change",
)
ASKING_BY_REQUEST = (
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
)
STATELESS = (
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_logging_tool",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
)


def offered(*, are_modern: bool) -> list[Tool]:
    """The tools as a revision lists them; the handshake revisions lack those of the stateless one."""
    names = (*PLAIN, *ASKING_BY_REQUEST, *(STATELESS if are_modern else ()))
    return [
        *(_tool(name, _schema(name)) for name in names),
        _tool("json_schema_2020_12_tool", SCHEMA_2020_12),
        *([_tool("test_x_mcp_header", HEADER_SCHEMA)] if are_modern else []),
    ]


def _schema(name: str) -> dict[str, Any]:
    if argument := _TEXT_ARGUMENT.get(name):
        return {
            "type": "object",
            "properties": {argument: {"type": "string"}},
            "required": [argument],
        }
    return {"type": "object", "properties": {}}


def _tool(name: str, schema: dict[str, Any]) -> Tool:
    return Tool(
        name=name,
        description=f"Answers the conformance suite as {name}.",
        input_schema=schema,
    )
