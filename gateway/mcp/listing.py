"""Renders a surface to the bytes of `tools/list`, once per surface and era."""

import hashlib
from typing import Any

import orjson

from gateway.mcp.protocol import SERVER_INFO, SERVER_KEY, Client
from toolpacks.surfaces import PackSurface, SurfaceTool

_MODERN_TAIL = (
    b',"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":'
    + orjson.dumps({SERVER_KEY: SERVER_INFO})
)


def tools_list(surface: PackSurface, client: Client) -> bytes:
    """The result of `tools/list`, as JSON, in what the client's revision knows."""
    era = (
        "modern"
        if client.is_modern
        else "titled"
        if client.knows("2025-06-18")
        else "plain"
    )
    rendered: bytes | None = surface.renderings.get(era)
    if rendered is None:
        tools = b",".join(_tool(tool, era) for tool in surface.tools.values())
        rendered = surface.renderings[era] = (
            b'{"tools":['
            + tools
            + b"]"
            + (_MODERN_TAIL if era == "modern" else b"")
            + b"}"
        )
    return rendered


def list_digest(surface: PackSurface) -> str:
    """Changes exactly when the list that callers see does."""
    digest: str | None = surface.renderings.get("digest")
    if digest is None:
        seen = hashlib.sha256()
        for tool in surface.tools.values():
            seen.update(_tool(tool, "modern"))
        digest = surface.renderings["digest"] = seen.hexdigest()
    return digest


def _tool(tool: SurfaceTool, era: str) -> bytes:
    parts = [b'{"name":', orjson.dumps(tool.wire_name)]
    if tool.title and era != "plain":
        parts += [b',"title":', orjson.dumps(tool.title)]
    if tool.description:
        parts += [b',"description":', orjson.dumps(tool.description)]
    parts += [b',"inputSchema":', tool.parameters.encode()]
    if tool.output_schema and (
        era == "modern" or (era == "titled" and _is_object_schema(tool.output_schema))
    ):
        parts += [b',"outputSchema":', tool.output_schema.encode()]
    if tool.annotations:
        parts += [b',"annotations":', tool.annotations.encode()]
    return b"".join([*parts, b"}"])


def _is_object_schema(text: str) -> bool:
    """Whether a schema describes an object, the only kind that revisions before 2026-07-28 know for outputs."""
    schema: Any = orjson.loads(text)
    return isinstance(schema, dict) and schema.get("type") == "object"
