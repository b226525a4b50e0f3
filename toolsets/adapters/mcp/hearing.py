"""What an upstream says of its own accord, between calls: the stream on which it speaks, as long as somebody listens."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import aiohttp

from gateway.errors import GatewayError
from toolsets.adapters.calling import UpstreamMisbehaved, UpstreamUnreachable
from toolsets.adapters.mcp.answering import is_event_stream
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.messages import Message, messages_in
from toolsets.adapters.mcp.sse import EventParser
from toolsets.adapters.sending import read_some

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_JITTER = 0.2
_WELL_SECONDS = 30.0
"""A stream that lasts as long is one; what comes after it is tried as soon as after the first."""

_WINDOW_SECONDS = 60.0
_MOST_BYTES = 1_048_576
_MOST_QUESTIONS = 60
_LARGEST_EVENT = 262_144
_MOST_EMPTY_STREAMS = 3
_TRY_LATER = frozenset({409, 429})
_FORGOTTEN = 404

Ask = Callable[[Exchange], Awaitable[aiohttp.ClientResponse]]
"""Asks an upstream for its stream over these connections, with the errors of `Exchange.post`."""


class NothingToHear(UpstreamMisbehaved):
    """The upstream has no stream on which it would speak."""


class Ear:
    """Hears an upstream until it is stopped, over connections of its own, and asks for the stream anew when it ends.

    `on_message` gets what the upstream says, and of its questions as many as may be answered. `on_gap` is told when news
    may have been missed: the stream could not be had for a while. In an era that `has_sessions`, one that the upstream
    forgot is not listened to again, nor is anybody who has nothing to say.
    """

    def __init__(
        self,
        beside: Exchange,
        ask: Ask,
        *,
        on_message: Callable[[Message], None],
        on_gap: Callable[[], None],
        has_sessions: bool,
    ) -> None:
        self._beside = beside
        self._ask = ask
        self._on_message = on_message
        self._on_gap = on_gap
        self._has_sessions = has_sessions
        self._parser = EventParser(max_event_bytes=_LARGEST_EVENT)
        self._has_heard = False
        self._may_have_missed = False
        self._empty_streams = 0
        self._questions = 0
        self._task = asyncio.get_running_loop().create_task(self._listen())

    @property
    def is_open(self) -> bool:
        return not (self._task.done() or self._task.cancelling())

    def stop(self) -> None:
        """Listen no more; what is open is closed in a moment."""
        self._task.cancel()

    async def aclose(self) -> None:
        """Stop, and wait until everything is closed."""
        self.stop()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        exchange = self._beside.apart()
        try:
            await self._hear_forever(exchange)
        except NothingToHear:
            return
        except Exception as exc:  # noqa: BLE001 - the outermost shell of a task whose outcome nobody waits for
            log.warning("upstream not heard", extra={"cause": type(exc).__name__})
        finally:
            await exchange.aclose()

    async def _hear_forever(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = loop.time()
            try:
                await self._hear_out(exchange)
            except NothingToHear:
                raise
            except GatewayError:
                pass  # it may be well again later
            self._may_have_missed = True
            await exchange.close_retired()
            if loop.time() - began > _WELL_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            asked = min(self._parser.retry_seconds or 0.0, _LONGEST_PAUSE_SECONDS)
            spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, hides nothing
            await asyncio.sleep(max(pause, asked) * spread)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _hear_out(self, exchange: Exchange) -> None:
        """Hear one stream to its end.

        Raises:
            NothingToHear: it is not worth asking again.
            GatewayError: it broke off, or there is none at the moment.
        """
        response = await self._ask(exchange)
        try:
            self._check(response)
            self._has_heard = True
            if self._may_have_missed:
                self._may_have_missed = False
                self._on_gap()
            await self._read(response)
        finally:
            response.close()

    def _check(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 200 and is_event_stream(response):
            return
        if self._has_heard and self._has_sessions and status == _FORGOTTEN:
            self._on_gap()
            raise NothingToHear("The upstream has forgotten the session.")
        if self._has_heard or status in _TRY_LATER or status >= 500:
            raise UpstreamUnreachable("The upstream has no stream to give now.")
        raise NothingToHear("The upstream says nothing of its own accord.")

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        loop = asyncio.get_running_loop()
        began = since = loop.time()
        size = self._questions = 0
        is_empty = True
        self._parser.restart()
        while chunk := await read_some(response):
            if loop.time() - since > _WINDOW_SECONDS:
                since, size, self._questions = loop.time(), 0, 0
            size += len(chunk)
            if size > _MOST_BYTES:
                raise UpstreamMisbehaved("The upstream talks without end.")
            for event in self._parser.feed(chunk):
                for message in messages_in(event.data):
                    is_empty = False
                    self._take(message)
        self._count_empty(is_empty=is_empty and loop.time() - began < 1)

    def _count_empty(self, *, is_empty: bool) -> None:
        self._empty_streams = self._empty_streams + 1 if is_empty else 0
        if self._empty_streams == _MOST_EMPTY_STREAMS:
            raise NothingToHear("The upstream ends each stream at once.")

    def _take(self, message: Message) -> None:
        if "method" not in message:
            if "error" in message:
                raise NothingToHear("The upstream refuses to be listened to.")
            return
        if message["method"] == "notifications/subscriptions/acknowledged":
            _check_acknowledged(message)
        if "id" in message:
            self._questions += 1
            if self._questions > _MOST_QUESTIONS:
                return
        self._on_message(message)


def _check_acknowledged(message: Message) -> None:
    params = message.get("params")
    granted = params.get("notifications") if isinstance(params, dict) else None
    if not isinstance(granted, dict) or granted.get("toolsListChanged") is not True:
        raise NothingToHear("The upstream tells nobody that its list of tools changed.")
