"""Sees that an answer is what its tool promised: a client that checks it fails on one that is not."""

import asyncio
from typing import Any

from gateway.mcp.protocol import Client
from gateway.mcp.validators import validator_for
from toolpacks.surfaces import SurfaceTool
from toolsets.adapters.calling import Answer
from toolsets.models import ToolSet
from toolsets.schemas import SchemaUnusable

_PROMISED_SINCE = "2025-06-18"
_LARGE = 262_144
"""From here on, an answer is judged beside the event loop."""
_LONGEST_PROBLEM = 200


async def misfit(answer: Answer, tool: SurfaceTool, client: Client) -> str:
    """What of a success is not as the client was told by the tool's output schema; "" where nothing is.

    An MCP server makes its own promises. Those of an HTTP API are ours: we read them in its document, and it never heard of them.
    """
    is_ours = tool.tool_set.adapter_type != ToolSet.AdapterType.MCP
    was_told = bool(tool.output_schema) and client.knows(_PROMISED_SINCE)
    if not is_ours or not was_told or answer.result.get("isError"):
        return ""
    if "structuredContent" not in answer.result:
        return "it holds no JSON object"
    structured = answer.result["structuredContent"]
    if answer.size > _LARGE:
        return await asyncio.to_thread(_problem, tool.output_schema, structured)
    return _problem(tool.output_schema, structured)


def _problem(schema: str, structured: Any) -> str:
    validator = _validator(schema)
    if validator is None or validator.is_valid(structured):
        return ""
    error = next(validator.iter_errors(structured))
    place = ".".join(str(step) for step in error.instance_path) or "the object"
    return f"{place}: {error.message[:_LONGEST_PROBLEM]}"


def _validator(schema: str) -> Any:
    """What checks answers against the schema; None for one that nobody can check them against."""
    try:
        return validator_for(schema)
    except (SchemaUnusable, ValueError):
        return None
