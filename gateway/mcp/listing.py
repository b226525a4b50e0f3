"""Renders a surface to the bytes of `tools/list`, once per surface and era, and never for long on the event loop."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from gateway.mcp.protocol import SERVER_INFO, SERVER_KEY, Client
from toolpacks.surfaces import PackSurface, SurfaceTool

_AT_ONCE = 1_000_000
"""A surface up to this size is rendered where it is asked for, in a millisecond or two; a larger one on a thread."""

_MODERN_TAIL = (
    b',"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":'
    + orjson.dumps({SERVER_KEY: SERVER_INFO})
)


async def tools_list(surface: PackSurface, client: Client) -> bytes:
    """The result of `tools/list`, as JSON, in what the client's revision knows."""
    era = (
        "modern"
        if client.is_modern
        else "titled"
        if client.knows("2025-06-18")
        else "plain"
    )
    rendered: bytes = await _kept(surface, era, partial(_rendered, surface, era))
    return rendered


async def list_digest(surface: PackSurface) -> str:
    """Changes exactly when the list that callers see does."""
    digest: str = await _kept(surface, "digest", partial(_digest, surface))
    return digest


async def _kept(surface: PackSurface, key: str, make: Callable[[], Any]) -> Any:
    """What `make` makes of the surface; it is made once, however many ask meanwhile, and kept with the surface."""
    made = surface.renderings.get(key)
    if made is None:
        if surface.size <= _AT_ONCE:
            made = surface.renderings[key] = make()
            return made
        made = surface.renderings[key] = asyncio.ensure_future(_made(make))
    if not isinstance(made, asyncio.Future):
        return made
    finished = await asyncio.shield(made)
    surface.renderings[key] = finished
    return finished


async def _made(make: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(make)


def _rendered(surface: PackSurface, era: str) -> bytes:
    tools = b",".join([_tool(tool, era) for tool in surface.tools.values()])
    tail = _MODERN_TAIL if era == "modern" else b""
    return b'{"tools":[' + tools + b"]" + tail + b"}"


def _digest(surface: PackSurface) -> str:
    seen = hashlib.sha256()
    for tool in surface.tools.values():
        seen.update(_tool(tool, "modern"))
    return seen.hexdigest()


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
