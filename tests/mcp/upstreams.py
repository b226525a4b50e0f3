"""The upstreams of these tests: the SDK's own server with telling tools, and a scripted one for what no SDK would send."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import mcp_types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from tests.toolsets.adapters.forwarding import (
    HANDSHAKE,
    MODERN,
    Post,
    Reply,
    Scripted,
    as_json,
    error,
    initialized,
    result,
)
from tests.upstreams import tool

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}
TOOLS = [
    tool("echo", inputSchema={**TEXT, "required": ["text"]}, title="Echo"),
    tool("progress", inputSchema=TEXT),
    tool("hang", inputSchema=TEXT),
    tool("fail", inputSchema=TEXT),
    tool("ask", inputSchema=TEXT),
    tool("big", inputSchema=TEXT),
]


@dataclass
class Seen:
    """What happened inside an upstream."""

    calls: list[str] = field(default_factory=list)
    started: Event = field(default_factory=Event)
    cancelled: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)


def telling_server(seen: Seen) -> Server[Any]:
    """The SDK's own server: its tools echo, report progress, hang until let go, fail and ask."""

    async def on_list_tools(_: Any, __: Any) -> mcp_types.ListToolsResult:
        tools = [mcp_types.Tool.model_validate(raw) for raw in TOOLS]
        return mcp_types.ListToolsResult(tools=tools)

    async def on_call_tool(
        context: Any, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        seen.calls.append(params.name)
        match params.name:
            case "progress":
                for step in (1, 2, 3):
                    await context.session.report_progress(step, 3, f"step {step}")
            case "hang":
                await _hang(seen)
            case "fail":
                raise MCPError(code=-32050, message="no such fish", data={"fish": 1})
            case "ask" if not params.input_responses:
                return question(elicitation("Who?"), state="opaque")
        said = json.dumps({"tool": params.name, "arguments": params.arguments})
        return mcp_types.CallToolResult(
            content=[mcp_types.TextContent(type="text", text=said)]
        )

    return Server("telling", on_list_tools=on_list_tools, on_call_tool=on_call_tool)


async def _hang(seen: Seen) -> None:
    seen.started.set()
    try:
        while not seen.let_go.is_set():  # noqa: ASYNC110 - the event belongs to another thread
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        seen.cancelled.set()
        raise


def elicitation(message: str, **params: Any) -> dict[str, Any]:
    asked = {"mode": "form", "message": message, **params}
    if asked["mode"] == "form":
        asked["requestedSchema"] = {"type": "object", "properties": {}}
    return {"method": "elicitation/create", "params": asked}


def question(
    *requests: Mapping[str, Any], state: str | None = None
) -> mcp_types.InputRequiredResult:
    return mcp_types.InputRequiredResult.model_validate(asking(*requests, state=state))


def asking(*requests: Mapping[str, Any], state: str | None = None) -> dict[str, Any]:
    """An `input_required` result."""
    asked: dict[str, Any] = {"resultType": "input_required"}
    if requests:
        asked["inputRequests"] = {f"q{n}": r for n, r in enumerate(requests)}
    if state is not None:
        asked["requestState"] = state
    return asked


def text(said: str, **members: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}], **members}


Answer = Callable[[Post], Any]


def scripted(
    answer: Answer, *, tools: list[dict[str, Any]] | None = None, era: str = MODERN
) -> Scripted:
    """An upstream of one era that offers `tools` and answers calls with `answer(post)`: a result, or a whole reply."""
    offered = tools if tools is not None else [tool("echo", inputSchema=TEXT)]

    def script(post: Post) -> Reply:
        if era != MODERN and post.headers.get("mcp-protocol-version") == MODERN:
            return 400, {}, b""
        match post.rpc:
            case "server/discover":
                return as_json(result(post, **_DISCOVERED))
            case "initialize":
                return initialized(post)
            case "tools/list":
                stamp = _STAMP if era == MODERN else {}
                return as_json(result(post, tools=offered, **stamp))
            case "tools/call":
                said = answer(post)
                return (
                    said if isinstance(said, tuple) else as_json(result(post, **said))
                )
            case method if method.startswith("notifications/"):
                return 202, {}, b""
            case _:
                return as_json(error(post, -32601), status=404)

    return Scripted(script)


_STAMP = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
_DISCOVERED = {
    **_STAMP,
    "supportedVersions": [MODERN],
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "raw", "version": "1"},
}
__all__ = ["HANDSHAKE", "MODERN"]
