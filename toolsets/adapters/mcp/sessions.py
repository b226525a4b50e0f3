"""One upstream as one credential sees it, in the era it speaks, ready to be called."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import ClassVar, NoReturn

import aiohttp
from multidict import CIMultiDict

from toolsets.adapters.calling import (
    STREAMABLE_HTTP,
    Answer,
    ToolRequest,
    UpstreamAnsweredError,
)
from toolsets.adapters.mcp.answering import (
    AnswerStream,
    SessionRefused,
    check_status,
    ended_early,
    is_event_stream,
    is_session_refused,
    read_error,
    read_json_answer,
)
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.hearing import Ear
from toolsets.adapters.mcp.messages import NEGOTIATION_ID, Message


class Session(ABC):
    """What the forwarder knows of a session: its revision and transport, how busy it is, and how to call and close it."""

    transport = STREAMABLE_HTTP

    def __init__(
        self, exchange: Exchange, *, version: str, on_list_changed: Callable[[], None]
    ) -> None:
        self.version = version
        self.in_flight = 0
        self.last_used = 0.0
        self._exchange = exchange
        self._on_list_changed = on_list_changed
        self._ids = count(NEGOTIATION_ID + 1)
        self._ear: Ear | None = None

    @property
    def is_open(self) -> bool:
        return True

    @abstractmethod
    async def call(self, request: ToolRequest) -> Answer:
        """Send one call and read its answer.

        Raises:
            SessionRefused: the upstream did not execute it; open another session.
            UpstreamError, ResultTooLarge, AddressRefused: there is no answer.
        """

    @property
    def has_stale_connections(self) -> bool:
        return self._exchange.has_retired

    async def close_stale(self) -> None:
        await self._exchange.close_retired()

    @abstractmethod
    def listen(self) -> None:
        """Hear between calls as well, until the session is closed, that the upstream's list of tools changed."""

    @property
    def is_listening(self) -> bool:
        return self._ear is not None and self._ear.is_open

    def stop_listening(self) -> None:
        """At once, whenever the session itself is closed."""
        if self._ear is not None:
            self._ear.stop()

    async def aclose(self) -> None:
        if self._ear is not None:
            await self._ear.aclose()
        await self._exchange.aclose()

    def _notice(
        self,
        message: Message,
        request: ToolRequest | None = None,
        token: object = None,
    ) -> None:
        """Pass on a notification: progress of this request, if it came beside one, or news of the list of tools."""
        method, params = message.get("method"), message.get("params")
        if method == "notifications/tools/list_changed":
            self._on_list_changed()
        if method != "notifications/progress" or not isinstance(params, dict):
            return
        if request and request.on_progress and params.get("progressToken") == token:
            request.on_progress(
                {name: params[name] for name in params if name != "progressToken"}
            )


class StreamableSession(Session):
    """Streamable HTTP: a call is one POST, answered by a JSON body or by an event stream of its own."""

    _has_sessions: ClassVar[bool]

    def listen(self) -> None:
        if self._ear is None:
            self._ear = Ear(
                self._exchange,
                self._ask_for_stream,
                on_message=self._notice,
                on_gap=self._on_list_changed,
                has_sessions=self._has_sessions,
            )

    @abstractmethod
    async def _ask_for_stream(self, exchange: Exchange) -> aiohttp.ClientResponse:
        """Ask for the stream on which the upstream speaks of its own accord."""

    async def call(self, request: ToolRequest) -> Answer:
        return await self._call(next(self._ids), request)

    async def _call(self, request_id: int, request: ToolRequest) -> Answer:
        response = await self._exchange.post(
            self._body(request_id, request), self._headers(request)
        )
        try:
            if response.status != 200:
                await self._refuse(response, request_id)
            if not is_event_stream(response):
                return await read_json_answer(
                    response, request_id, request.max_result_bytes
                )
            answer = await self._follow(response, request_id, request)
            self._exchange.settle(response)
        except BaseException:
            response.close()
            raise
        return answer

    @abstractmethod
    def _body(self, request_id: int, request: ToolRequest) -> bytes: ...

    @abstractmethod
    def _headers(self, request: ToolRequest) -> CIMultiDict[str]: ...

    async def _follow(
        self, response: aiohttp.ClientResponse, request_id: int, request: ToolRequest
    ) -> Answer:
        answer = await self._stream(request_id, request).read(response)
        if answer is None:
            raise ended_early()
        return answer

    def _stream(self, request_id: int, request: ToolRequest) -> AnswerStream:
        return AnswerStream(
            request_id,
            limit=request.max_result_bytes,
            on_other=partial(self._notice, request=request, token=request_id),
        )

    async def _refuse(
        self, response: aiohttp.ClientResponse, request_id: int
    ) -> NoReturn:
        error, is_ours = await read_error(response, request_id)
        if is_session_refused(response.status, error, is_ours=is_ours):
            raise SessionRefused(
                response.status, version=self._version_to_reopen, answer=error
            )
        self._consider(error)
        check_status(response.status, error)
        raise AssertionError

    @property
    def _version_to_reopen(self) -> str:
        return ""

    def _consider(self, error: UpstreamAnsweredError | None) -> None:
        """Look at an error before it is passed on."""
