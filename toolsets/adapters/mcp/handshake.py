"""Upstreams of the handshake eras over streamable HTTP: a session, cancelled by notification, with streams that resume."""

import asyncio
from collections.abc import Callable

import aiohttp
from multidict import CIMultiDict

from toolsets.adapters.calling import (
    Answer,
    ResultTooLarge,
    ToolRequest,
    UpstreamLost,
    UpstreamUnreachable,
)
from toolsets.adapters.mcp.answering import AnswerStream, ended_early, is_event_stream
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.messages import (
    Message,
    cancellation_body,
    is_question,
    notification_body,
    reply_body,
    tool_call_body,
)
from toolsets.adapters.mcp.sessions import StreamableSession

_DEFAULT_RETRY_SECONDS = 1.0
_SHORTEST_RETRY_SECONDS = 0.1
_ATTEMPTS_TO_RESUME = 3
_FIRST_VERSION_WITH_HEADER = "2025-06-18"


class HandshakeSession(StreamableSession):
    """An initialized session; we declared no capability in it, so what the upstream asks is declined."""

    _has_sessions = True

    def __init__(
        self,
        exchange: Exchange,
        *,
        version: str,
        session_id: str,
        on_list_changed: Callable[[], None],
    ) -> None:
        super().__init__(exchange, version=version, on_list_changed=on_list_changed)
        self._session_id = session_id
        self._session_headers = handshake_headers(exchange, version, session_id)

    async def confirm(self) -> None:
        """Tell the upstream that its answer to `initialize` was received."""
        await self._exchange.notify(
            "POST",
            self._session_headers,
            body=notification_body("notifications/initialized"),
        )

    async def _call(self, request_id: int, request: ToolRequest) -> Answer:
        try:
            return await super()._call(request_id, request)
        except (asyncio.CancelledError, ResultTooLarge):
            self._owe(cancellation_body(request_id))
            raise

    def _body(self, request_id: int, request: ToolRequest) -> bytes:
        return tool_call_body(request_id, request)

    def _headers(self, request: ToolRequest) -> CIMultiDict[str]:
        return self._session_headers

    @property
    def _version_to_reopen(self) -> str:
        return self.version if self._session_id else ""

    def _notice(
        self,
        message: Message,
        request: ToolRequest | None = None,
        token: object = None,
    ) -> None:
        if is_question(message):
            self._owe(reply_body(message))
        else:
            super()._notice(message, request, token)

    async def _ask_for_stream(self, exchange: Exchange) -> aiohttp.ClientResponse:
        return await exchange.send("GET", self._stream_headers())

    def _stream_headers(self) -> CIMultiDict[str]:
        headers = self._session_headers.copy()
        headers["Accept"] = "text/event-stream"
        del headers["Content-Type"]
        return headers

    async def _follow(
        self, response: aiohttp.ClientResponse, request_id: int, request: ToolRequest
    ) -> Answer:
        stream = self._stream(request_id, request)
        answer = await _read_on(stream, response)
        while answer is None:
            resumed = await self._resume(stream)
            try:
                answer = await _read_on(stream, resumed)
            finally:
                resumed.close()
        return answer

    async def _resume(self, stream: AnswerStream) -> aiohttp.ClientResponse:
        """Ask for what follows the last event that came."""
        seconds = stream.parser.retry_seconds or _DEFAULT_RETRY_SECONDS
        headers = self._stream_headers()
        headers["Last-Event-ID"] = stream.parser.last_event_id
        for _ in range(_ATTEMPTS_TO_RESUME):
            await asyncio.sleep(max(seconds, _SHORTEST_RETRY_SECONDS))
            try:
                response = await self._exchange.send("GET", headers)
            except (UpstreamUnreachable, UpstreamLost):
                continue
            if response.status == 200 and is_event_stream(response):
                stream.parser.restart()
                return response
            response.close()
            break
        raise ended_early()

    def _owe(self, body: bytes) -> None:
        self._exchange.errands.run(
            self._exchange.notify("POST", self._session_headers, body=body)
        )

    async def aclose(self) -> None:
        if self._session_id:
            self._exchange.errands.run(
                self._exchange.notify("DELETE", self._session_headers)
            )
        await super().aclose()


async def _read_on(
    stream: AnswerStream, response: aiohttp.ClientResponse
) -> Answer | None:
    """The answer; None where the stream ended or broke, but can be resumed."""
    try:
        answer = await stream.read(response)
    except UpstreamLost:
        if not stream.parser.last_event_id:
            raise
        return None
    if answer is None and not stream.parser.last_event_id:
        raise ended_early()
    return answer


def handshake_headers(
    exchange: Exchange, version: str, session_id: str
) -> CIMultiDict[str]:
    headers = exchange.headers.copy()
    if version >= _FIRST_VERSION_WITH_HEADER:
        headers["MCP-Protocol-Version"] = version
    if session_id:
        headers["Mcp-Session-Id"] = session_id
    return headers
