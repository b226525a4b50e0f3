"""Real upstreams on loopback ports: any ASGI app, the SDK's own servers of both eras, and hostile ones."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mcp_types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

_START_SECONDS = 60.0


class Upstream:
    """An ASGI app served on a loopback port by a thread of its own."""

    def __init__(self, app: App, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.host = host
        self._socket = socket.create_server((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level="critical",
                ws="none",
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise RuntimeError("the upstream did not start")

    def url(self, path: str = "/mcp") -> str:
        return f"http://{self.host}:{self.port}{path}"

    def stop(self) -> None:
        """Go away: the port refuses connections afterwards."""
        self._server.should_exit = True
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        self._started.set()
        await serving


@contextmanager
def served(app: App, *, port: int = 0, host: str = "127.0.0.1") -> Iterator[Upstream]:
    """Serve `app` for as long as the block runs."""
    upstream = Upstream(app, port=port, host=host)
    try:
        yield upstream
    finally:
        upstream.stop()


def tool(name: str, **members: Any) -> dict[str, Any]:
    """A tool as it is on the wire."""
    return {
        "name": name,
        "description": f"Does {name}.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
        **members,
    }


def sdk_server(tools: list[dict[str, Any]], *, page_size: int = 1000) -> Server[Any]:
    """The SDK's own server, offering `tools`; a change of that list is seen by the next listing."""

    async def on_list_tools(
        _: Any, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        start = int(params.cursor) if params and params.cursor else 0
        end = start + page_size
        return mcp_types.ListToolsResult(
            tools=[mcp_types.Tool.model_validate(raw) for raw in tools[start:end]],
            next_cursor=str(end) if end < len(tools) else None,
        )

    async def on_call_tool(
        _: Any, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult:
        said = json.dumps({"tool": params.name, "arguments": params.arguments})
        return mcp_types.CallToolResult(
            content=[mcp_types.TextContent(type="text", text=said)]
        )

    return Server("upstream", on_list_tools=on_list_tools, on_call_tool=on_call_tool)


def streamable_http_app(
    server: Server[Any], *, json_response: bool = False, is_stateless: bool = False
) -> App:
    """Streamable HTTP at `/mcp`, of both eras, as the SDK serves it."""
    app: App = server.streamable_http_app(
        json_response=json_response, stateless_http=is_stateless
    )
    return app


def handshake_only(app: App) -> App:
    """The same server as it was before 2026-07-28: it does not know `server/discover`."""

    async def older(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers") or [])
        if headers.get(b"mcp-protocol-version") == b"2026-07-28":
            await respond(send, 400, {"error": "unsupported protocol version"})
        else:
            await app(scope, receive, send)

    return older


def sse_app(server: Server[Any]) -> App:
    """The transport before streamable HTTP: a stream at `/sse`, messages posted to `/messages/`."""
    transport = SseServerTransport("/messages/")

    async def stream(request: Request) -> Response:
        async with transport.connect_sse(
            request.scope, request.receive, request._send
        ) as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
        return Response()

    return Starlette(
        routes=[
            Route("/sse", stream, methods=["GET"]),
            Mount("/messages/", app=transport.handle_post_message),
        ]
    )


Answer = Callable[[dict[str, Any]], Any]


def json_rpc_app(answer: Answer) -> App:
    """A stateless server of the handshake era that answers `tools/list` with whatever `answer(request)` gives."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = json.loads(await body_of(receive) or b"{}")
        match request.get("method"):
            case "initialize":
                await respond(send, 200, result_of(request, INITIALIZED))
            case "tools/list":
                await respond(send, 200, result_of(request, answer(request)))
            case "notifications/initialized":
                await respond(send, 202, None)
            case _:
                await respond(send, 400, error_of(request, -32601, "Method not found"))

    return app


INITIALIZED = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "raw", "version": "1"},
}


def result_of(request: Mapping[str, Any], result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request.get("id"), "result": result}


def error_of(request: Mapping[str, Any], code: int, message: str) -> dict[str, Any]:
    error = {"code": code, "message": message}
    return {"jsonrpc": "2.0", "id": request.get("id"), "error": error}


def constant_app(
    status: int, body: bytes, *headers: tuple[bytes, bytes], delay: float = 0
) -> App:
    """Answers every request with the same bytes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(delay)
            await send(
                {"type": "http.response.start", "status": status, "headers": headers}
            )
            await send({"type": "http.response.body", "body": body})

    return app


def dripping_app(chunk: bytes, *, every_seconds: float) -> App:
    """Begins to answer, and never ends: one chunk now and then."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with contextlib.suppress(OSError):
            async for piece in _dripped(chunk, every_seconds):
                await send(
                    {"type": "http.response.body", "body": piece, "more_body": True}
                )

    return app


async def _dripped(chunk: bytes, every_seconds: float) -> AsyncIterator[bytes]:
    while True:
        yield chunk
        await asyncio.sleep(every_seconds)


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def respond(send: Send, status: int, content: Any) -> None:
    """Answer with `content` as JSON, or with no body for None."""
    body = b"" if content is None else json.dumps(content).encode()
    headers = [(b"content-type", b"application/json")] if body else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
