"""The MCP server behind every contestant: a raw ASGI application that echoes, so that it is never the bottleneck.

`/mcp/<n>` serves `n` tools of about 800 bytes. It speaks both eras over streamable HTTP with JSON answers and keeps no
session. Executed calls are counted in the file that `COUNTER_FILE` names, which survives a restart.
"""

import os
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from mmap import mmap
from pathlib import Path
from typing import Any

import orjson

CONTENT_TYPE = (b"content-type", b"application/json")
HANDSHAKE_VERSIONS = {"2025-03-26", "2025-06-18", "2025-11-25"}
MODERN_VERSION = "2026-07-28"
PAGE = 5_000  # a longer list comes in pages of this size

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def tool_name(index: int) -> str:
    return f"lookup_record_{index:05d}"


def tool(index: int) -> dict[str, Any]:
    """One tool as a real server would describe it, about 800 bytes as JSON."""
    return {
        "name": tool_name(index),
        "title": f"Look up record {index}",
        "description": f"Finds the records of collection {index} that match a query. Use it when you know roughly what "
        "a record says and need its exact content. Returns the query as it was understood, with the filters that were "
        "applied and the page that was read. A query that matches nothing gives an empty answer, not an error.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {
                    "type": "string",
                    "description": "Words that the record contains.",
                    "minLength": 1,
                    "maxLength": 400,
                },
                "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
                "tags": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Only records with all of these tags.",
                },
                "exact": {"type": "boolean"},
            },
            "required": ["query", "limit"],
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    }


class Counter:
    """How many calls were executed, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap(file.fileno(), 8)
        (self._value,) = struct.unpack_from("<Q", self._map)

    def add(self) -> None:
        self._value += 1
        struct.pack_into("<Q", self._map, 0, self._value)


def executed(path: Path) -> int:
    """The number that `Counter` keeps at `path`."""
    return int(struct.unpack("<Q", path.read_bytes())[0])


@cache
def list_page(count: int, cursor: int) -> dict[str, Any]:
    last = min(cursor + PAGE, count)
    page: dict[str, Any] = {"tools": [tool(index) for index in range(cursor, last)]}
    if last < count:
        page["nextCursor"] = str(last)
    return page


@cache
def list_bytes(count: int, cursor: int, *, is_modern: bool) -> bytes:
    page = list_page(count, cursor)
    if is_modern:
        page = page | {
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "private",
        }
    return orjson.dumps(page)


def echo(params: dict[str, Any], *, is_modern: bool) -> dict[str, Any]:
    arguments = params.get("arguments") or {}
    text = orjson.dumps(arguments).decode()
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "structuredContent": arguments,
        "isError": False,
    }
    if is_modern:
        result["resultType"] = "complete"
    return result


def handshake(params: dict[str, Any]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in HANDSHAKE_VERSIONS else "2025-11-25",
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "benchmark-upstream", "version": "1"},
    }


def discovery() -> dict[str, Any]:
    return {
        "resultType": "complete",
        "supportedVersions": [MODERN_VERSION, *sorted(HANDSHAKE_VERSIONS)],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "benchmark-upstream", "version": "1"},
        "ttlMs": 0,
        "cacheScope": "private",
    }


counter = (
    Counter(Path(os.environ["COUNTER_FILE"])) if "COUNTER_FILE" in os.environ else None
)


def answer(request: dict[str, Any], *, count: int) -> bytes:
    """The JSON-RPC answer to one request, as bytes."""
    params = request.get("params") or {}
    meta = params.get("_meta") or {}
    is_modern = "io.modelcontextprotocol/protocolVersion" in meta
    match request["method"]:
        case "tools/call":
            if counter is not None:
                counter.add()
            result = orjson.dumps(echo(params, is_modern=is_modern))
        case "tools/list":
            cursor = int(params.get("cursor") or 0)
            result = list_bytes(count, cursor, is_modern=is_modern)
        case "initialize":
            result = orjson.dumps(handshake(params))
        case "server/discover":
            result = orjson.dumps(discovery())
        case "ping":
            result = b"{}"
        case method:
            return orjson.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": request["id"],
                    "error": {"code": -32601, "message": f"No method {method}."},
                }
            )
    head = b'{"jsonrpc":"2.0","id":' + orjson.dumps(request["id"]) + b',"result":'
    return head + result + b"}"


async def body_of(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def respond(send: Send, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [CONTENT_TYPE, length],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    if scope["method"] != "POST":
        await respond(send, 405, b"")
        return
    request = orjson.loads(await body_of(receive))
    if "id" not in request:
        await respond(send, 202, b"")
        return
    count = int(scope["path"].rpartition("/")[2])
    await respond(send, 200, answer(request, count=count))
