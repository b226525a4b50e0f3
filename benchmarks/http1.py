"""A keep-alive HTTP/1.1 connection that costs the load generator next to nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools


@dataclass(kw_only=True, slots=True)
class Response:
    """One answer, its headers in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class ConnectionLost(Exception):
    """The server closed the connection, or never took it, before it had answered."""


class Connection(asyncio.Protocol):
    """One connection: `exchange` sends a request and waits for its answer; `listen` hears an answer that never ends."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._waiter: asyncio.Future[Response] | None = None
        self._on_chunk: Callable[[bytes], None] | None = None
        self.on_lost: Callable[[], None] | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                cls, parts.hostname or "", parts.port or 80
            )
        except OSError as exc:
            raise ConnectionLost("refused") from exc
        return connection

    async def exchange(self, request: bytes) -> Response:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionLost("closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._begin()
        self._transport.write(request)
        return await self._waiter

    def listen(self, request: bytes, on_chunk: Callable[[bytes], None]) -> None:
        assert self._transport is not None
        self._on_chunk = on_chunk
        self._begin()
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionLost("lost"))
        if self.on_lost is not None:
            self.on_lost()

    # what httptools calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        if self._on_chunk is not None:
            self._on_chunk(body)
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._waiter is None or self._waiter.done():
            return
        chunks = self._chunks
        self._waiter.set_result(
            Response(
                status=self._parser.get_status_code(),
                headers=self._headers,
                body=chunks[0] if len(chunks) == 1 else b"".join(chunks),
            )
        )
