"""The cast of the forwarder's tests: an SDK server with telling tools, a scripted one, and ways to call them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, TypeVar

import mcp_types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from tests.upstreams import Receive, Scope, Send, body_of
from toolsets.adapters.calling import Answer, Target, ToolRequest
from toolsets.adapters.forwarding import Forwarder

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"

T = TypeVar("T")


@dataclass
class Seen:
    """What happened inside the SDK server."""

    calls: list[str] = field(default_factory=list)
    started: Event = field(default_factory=Event)
    cancelled: Event = field(default_factory=Event)


def telling_server(seen: Seen) -> Server[Any]:
    """The SDK's own server, whose tools echo, report progress, hang, fail and ask."""

    async def on_list_tools(_: Any, __: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=[])

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
                return _question()
        said = json.dumps({"arguments": params.arguments})
        return mcp_types.CallToolResult(
            content=[mcp_types.TextContent(type="text", text=said)]
        )

    return Server("telling", on_list_tools=on_list_tools, on_call_tool=on_call_tool)


async def _hang(seen: Seen) -> None:
    seen.started.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        seen.cancelled.set()
        raise


def _question() -> mcp_types.InputRequiredResult:
    return mcp_types.InputRequiredResult.model_validate(
        {
            "resultType": "input_required",
            "requestState": "opaque",
            "inputRequests": {
                "name": {
                    "method": "elicitation/create",
                    "params": {
                        "mode": "form",
                        "message": "Who?",
                        "requestedSchema": {"type": "object", "properties": {}},
                    },
                }
            },
        }
    )


@dataclass
class Post:
    """One request that a scripted upstream received."""

    method: str
    headers: Mapping[str, str]
    message: dict[str, Any]

    @property
    def rpc(self) -> str:
        return str(self.message.get("method", self.method))


Reply = tuple[int, Mapping[str, str], bytes]
Script = Callable[[Post], Reply | Awaitable[Reply]]


class Scripted:
    """A raw ASGI upstream that remembers every request and answers by a script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.posts: list[Post] = []

    @property
    def rpcs(self) -> list[str]:
        return [post.rpc for post in self.posts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await body_of(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        post = Post(scope["method"], headers, json.loads(body or b"{}"))
        self.posts.append(post)
        reply = self._script(post)
        status, out, content = reply if isinstance(reply, tuple) else await reply
        raw = [(name.encode(), value.encode()) for name, value in out.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


def as_json(content: Any, *, status: int = 200, **headers: Any) -> Reply:
    out = {"content-type": "application/json"}
    out.update({name.replace("_", "-"): value for name, value in headers.items()})
    return status, out, json.dumps(content).encode()


def as_events(*contents: Any) -> Reply:
    body = b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in contents)
    return 200, {"content-type": "text/event-stream"}, body


def result(post: Post, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": post.message["id"], "result": members}


def error(post: Post, code: int, **members: Any) -> dict[str, Any]:
    body = {"code": code, "message": "no", **members}
    return {"jsonrpc": "2.0", "id": post.message.get("id"), "error": body}


def initialized(post: Post, **headers: Any) -> Reply:
    content = result(
        post,
        protocolVersion=HANDSHAKE,
        capabilities={},
        serverInfo={"name": "raw", "version": "1"},
    )
    return as_json(content, **headers)


def target(url: str, **members: Any) -> Target:
    members.setdefault("key", ("ts_1", 1, "", 0))
    members.setdefault("headers", {})
    return Target(url=url, **{"networks": ("127.0.0.0/8",), **members})


def modern(url: str, **members: Any) -> Target:
    return target(url, protocol_version=MODERN, **members)


def request(
    name: str = "echo", *, seconds: float = 30.0, **members: Any
) -> ToolRequest:
    """A call whose deadline is `seconds` from now; make it on a running loop."""
    members.setdefault("arguments", {"text": "hello"})
    members.setdefault("max_result_bytes", 1_000_000)
    deadline = asyncio.get_running_loop().time() + seconds
    return ToolRequest(name=name, deadline=deadline, **members)


def forwarding(scene: Callable[[Forwarder], Awaitable[T]], **options: Any) -> T:
    """Play a scene with a forwarder on an event loop of its own."""

    async def play() -> T:
        forwarder = Forwarder(**{"connect_seconds": 20.0, **options})
        try:
            async with asyncio.timeout(100):
                return await scene(forwarder)
        finally:
            await forwarder.aclose()

    return asyncio.run(play())


def call(to: Target, name: str = "echo", **members: Any) -> Answer:
    """One call with a forwarder that nobody used before."""

    async def scene(forwarder: Forwarder) -> Answer:
        return await forwarder.call(to, request(name, **members))

    return forwarding(scene)


async def happened(event: Event) -> bool:
    """Whether the other thread's event is set at all."""
    return await asyncio.to_thread(event.wait, 30.0)


def let_pass(seconds: float) -> None:
    """Put the clock of the running loop forward."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]
