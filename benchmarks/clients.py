"""MCP clients for the load generator: streamable HTTP of both eras, and the older HTTP+SSE that mcp-hub serves."""

import asyncio
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import orjson

from benchmarks.http1 import Connection, ConnectionLost, Response

HANDSHAKE = "2025-11-25"
MODERN = "2026-07-28"
CLIENT_INFO = {"name": "benchmark", "version": "1"}
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Refused(Exception):
    """The server answered with an HTTP status that is not a success."""


class Client(Protocol):
    """One client: it opens, asks one thing at a time, and closes."""

    async def open(self) -> None: ...
    async def ask(self, request_id: int, params: dict[str, Any]) -> bytes: ...
    def close(self) -> None: ...


def message(method: str, params: dict[str, Any], request_id: int | None) -> bytes:
    body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if request_id is not None:
        body["id"] = request_id
    return orjson.dumps(body)


def initialize() -> dict[str, Any]:
    return {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT_INFO}


def head(method: str, url: str, headers: dict[str, str]) -> bytes:
    """A request's head up to the value of its content-length."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n").encode()


def with_body(start: bytes, body: bytes) -> bytes:
    return b"%scontent-length: %d\r\n\r\n%s" % (start, len(body), body)


def event_data(body: bytes) -> bytes:
    """The data of the last event in a finished stream of events: a request's answer comes last."""
    datas = [
        line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")
    ]
    return next((data for data in reversed(datas) if data), b"")


class StreamableClient:
    """Streamable HTTP, in the handshake era or in 2026-07-28."""

    def __init__(
        self, url: str, *, method: str, tool: str, token: str, era: str
    ) -> None:
        self._url, self._method, self._tool, self._era = url, method, tool, era
        self._token = token
        self._connection = Connection()

    async def open(self) -> None:
        self._connection = await Connection.open(self._url)
        headers = self._headers()
        if self._era == HANDSHAKE:
            headers |= await self._shake_hands(headers)
        else:
            headers |= {"mcp-method": self._method}
            headers |= {"mcp-name": self._tool} if self._tool else {}
        headers["mcp-protocol-version"] = self._era
        self._head = head("POST", self._url, headers)

    async def ask(self, request_id: int, params: dict[str, Any]) -> bytes:
        if self._era == MODERN:
            params = params | {"_meta": MODERN_META}
        body = message(self._method, params, request_id)
        return payload(await self._connection.exchange(with_body(self._head, body)))

    def close(self) -> None:
        self._connection.close()

    def _headers(self) -> dict[str, str]:
        bearer = {"authorization": f"Bearer {self._token}"} if self._token else {}
        return {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **bearer,
        }

    async def _shake_hands(self, headers: dict[str, str]) -> dict[str, str]:
        start = head("POST", self._url, headers)
        body = message("initialize", initialize(), 0)
        answer = await self._connection.exchange(with_body(start, body))
        payload(answer)
        session = answer.headers.get("mcp-session-id")
        kept = {"mcp-session-id": session} if session else {}
        start = head(
            "POST", self._url, headers | kept | {"mcp-protocol-version": HANDSHAKE}
        )
        body = message("notifications/initialized", {}, None)
        payload(await self._connection.exchange(with_body(start, body)))
        return kept


def payload(answer: Response) -> bytes:
    if answer.status >= 300:
        raise Refused(f"http {answer.status}")
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return event_data(answer.body)
    return answer.body


class SseClient:
    """HTTP+SSE: requests are posted on one connection, their answers arrive on the other."""

    def __init__(self, url: str, *, method: str) -> None:
        self._url, self._method = url, method
        self._stream, self._posts = Connection(), Connection()
        self._buffer = b""
        self._answer: asyncio.Future[bytes]

    async def open(self) -> None:
        self._stream = await Connection.open(self._url)
        self._posts = await Connection.open(self._url)
        self._stream.on_lost = self._lose
        self._answer = asyncio.get_running_loop().create_future()
        request = head("GET", self._url, {"accept": "text/event-stream"}) + b"\r\n"
        self._stream.listen(request, self._take)
        endpoint = urljoin(self._url, (await self._answer).decode())
        self._head = head("POST", endpoint, {"content-type": "application/json"})
        await self._send(message("initialize", initialize(), 0))
        await self._answer
        await self._send(message("notifications/initialized", {}, None))

    async def ask(self, request_id: int, params: dict[str, Any]) -> bytes:
        await self._send(message(self._method, params, request_id))
        return await self._answer

    def close(self) -> None:
        self._stream.close()
        self._posts.close()

    async def _send(self, body: bytes) -> None:
        self._answer = asyncio.get_running_loop().create_future()
        payload(await self._posts.exchange(with_body(self._head, body)))

    def _take(self, chunk: bytes) -> None:
        self._buffer += chunk
        if b"\n\n" not in chunk and b"\n\n" not in self._buffer[-len(chunk) - 2 :]:
            return
        *events, self._buffer = self._buffer.split(b"\n\n")
        for event in events:
            data = event_data(event)
            if data and not self._answer.done():
                self._answer.set_result(data)

    def _lose(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionLost("stream lost"))
