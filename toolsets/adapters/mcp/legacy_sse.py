"""Upstreams of the 2024-11-05 transport: messages go out by POST, everything comes back on one event stream."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from toolsets.adapters.calling import (
    LEGACY_SSE,
    Answer,
    ResultTooLarge,
    ToolRequest,
    UpstreamError,
    UpstreamLost,
    UpstreamMisbehaved,
)
from toolsets.adapters.mcp.answering import (
    SessionRefused,
    check_status,
    is_event_stream,
    is_session_refused,
    read_error,
)
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.messages import (
    HANDSHAKE_VERSIONS,
    NEGOTIATION_ID,
    Message,
    answers,
    cancellation_body,
    initialize_body,
    is_question,
    messages_in,
    negotiated_version,
    notification_body,
    reply_body,
    result_in,
    tool_call_body,
)
from toolsets.adapters.mcp.sessions import Session
from toolsets.adapters.mcp.sse import Event, EventParser
from toolsets.adapters.sending import read_some

_SMALLEST_EVENT_BOUND = 1_048_576


@dataclass(slots=True)
class _Waiting:
    """A request whose answer has not come yet."""

    answer: asyncio.Future[tuple[Message, int]]
    limit: int
    request: ToolRequest | None = None


class LegacySession(Session):
    """One open event stream and the requests that wait for their answers on it."""

    transport = LEGACY_SSE

    def __init__(
        self,
        exchange: Exchange,
        stream: aiohttp.ClientResponse,
        *,
        on_list_changed: Callable[[], None],
    ) -> None:
        super().__init__(
            exchange, version=HANDSHAKE_VERSIONS[-1], on_list_changed=on_list_changed
        )
        self._stream = stream
        self._parser = EventParser(max_event_bytes=_SMALLEST_EVENT_BOUND)
        self._waiting: dict[int, _Waiting] = {}
        loop = asyncio.get_running_loop()
        self._endpoint: asyncio.Future[URL] = loop.create_future()
        self._reader = loop.create_task(self._read())

    @property
    def is_open(self) -> bool:
        return not self._reader.done()

    def listen(self) -> None:
        """It does so already: all that the upstream says comes on the one stream."""

    async def initialize(self) -> None:
        """Learn where messages go, and shake hands.

        Raises:
            UpstreamError: it is no upstream of this transport, or it did not agree.
        """
        body = initialize_body()
        answer = await self._ask(NEGOTIATION_ID, body, _SMALLEST_EVENT_BOUND, None)
        self.version = negotiated_version(answer.result)
        await self._post(notification_body("notifications/initialized"))

    async def call(self, request: ToolRequest) -> Answer:
        request_id = next(self._ids)
        body = tool_call_body(request_id, request)
        try:
            return await self._ask(request_id, body, request.max_result_bytes, request)
        except (asyncio.CancelledError, ResultTooLarge):
            self._owe(cancellation_body(request_id))
            raise

    async def _ask(
        self, request_id: int, body: bytes, limit: int, request: ToolRequest | None
    ) -> Answer:
        if not self.is_open:
            raise SessionRefused(404, version=self.version, answer=None)
        waiting = _Waiting(
            asyncio.get_running_loop().create_future(), limit=limit, request=request
        )
        self._waiting[request_id] = waiting
        self._parser.max_event_bytes = max(self._parser.max_event_bytes, limit)
        try:
            await self._post(body)
            message, size = await waiting.answer
        finally:
            del self._waiting[request_id]
            waiting.answer.cancel()
        if size > limit:
            raise ResultTooLarge(
                f"The upstream's answer is larger than the {limit} bytes that are allowed."
            )
        return Answer(result=result_in(message), size=size)

    async def _post(self, body: bytes) -> None:
        endpoint = await asyncio.shield(self._endpoint)
        response = await self._exchange.post(body, self._exchange.headers, endpoint)
        try:
            if response.status >= 300:
                await self._refuse(response)
        except BaseException:
            response.close()
            raise
        self._exchange.settle(response)

    async def _refuse(self, response: aiohttp.ClientResponse) -> None:
        error, is_ours = await read_error(response, 0)
        if is_session_refused(response.status, error, is_ours=is_ours):
            self._reader.cancel()
            raise SessionRefused(response.status, version=self.version, answer=error)
        check_status(response.status, error)

    def _owe(self, body: bytes) -> None:
        if self.is_open and self._endpoint.done():
            self._exchange.errands.run(
                self._exchange.notify(
                    "POST",
                    self._exchange.headers,
                    body=body,
                    url=self._endpoint.result(),
                )
            )

    async def _read(self) -> None:
        """Read the stream until it ends, and then release whoever still waits."""
        failure: UpstreamError = UpstreamLost(
            "The upstream closed its event stream; it may have executed the call."
        )
        try:
            while chunk := await read_some(self._stream):
                for event in self._parser.feed(chunk):
                    self._take(event)
        except ResultTooLarge:
            failure = UpstreamMisbehaved(
                "The upstream sent an event larger than any call allows."
            )
        except UpstreamError as exc:
            failure = exc
        finally:
            self._stream.close()
            self._release(failure)

    def _take(self, event: Event) -> None:
        if event.name == "endpoint":
            self._learn_endpoint(event.data)
        elif event.name == "message":
            for message in messages_in(event.data):
                self._dispatch(message, len(event.data))

    def _learn_endpoint(self, data: bytes) -> None:
        base = self._exchange.url
        try:
            endpoint = base.join(URL(data.decode()))
            is_same_origin = endpoint.origin() == base.origin()
        except ValueError:
            is_same_origin = False
        if not is_same_origin or endpoint.raw_user or endpoint.raw_password:
            raise UpstreamMisbehaved(
                "The upstream names a message address that is not on its own origin."
            )
        if not self._endpoint.done():
            self._endpoint.set_result(endpoint)

    def _dispatch(self, message: Message, size: int) -> None:
        request_id: Any = message.get("id")
        if "method" in message:
            self._hear(message)
        elif isinstance(request_id, int) and answers(message, request_id):
            waiting = self._waiting.get(request_id)
            if waiting and not waiting.answer.done():
                waiting.answer.set_result((message, size))

    def _hear(self, message: Message) -> None:
        if is_question(message):
            self._owe(reply_body(message))
            return
        params = message.get("params")
        token: Any = params.get("progressToken") if isinstance(params, dict) else None
        waiting = self._waiting.get(token) if isinstance(token, int) else None
        self._notice(message, waiting.request if waiting else None, token)

    def _release(self, failure: UpstreamError) -> None:
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(failure)
                waiting.answer.exception()
        if not self._endpoint.done():
            self._endpoint.set_exception(
                UpstreamMisbehaved(
                    "The upstream's event stream names no address for messages."
                )
            )
            self._endpoint.exception()

    async def aclose(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await super().aclose()


async def open_legacy(
    exchange: Exchange, *, on_list_changed: Callable[[], None]
) -> LegacySession | None:
    """A session over HTTP+SSE, or None where the address gives no event stream.

    Raises:
        UpstreamError: it gives one, but no session can be had.
    """
    headers = exchange.headers.copy()
    headers["Accept"] = "text/event-stream"
    del headers["Content-Type"]
    stream = await exchange.send("GET", headers)
    if stream.status != 200 or not is_event_stream(stream):
        stream.close()
        return None
    session = LegacySession(exchange, stream, on_list_changed=on_list_changed)
    try:
        await session.initialize()
    except BaseException:
        await session.aclose()
        raise
    return session
