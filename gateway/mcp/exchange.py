"""One HTTP exchange that carries a tool call: a plain answer, or a stream once there is something to say before it."""

import asyncio
import contextlib
from typing import Any

import orjson

from gateway.mcp.http import (
    HttpError,
    Receive,
    Send,
    end_stream,
    send_event,
    send_json,
    send_ping,
    start_stream,
    wait_for_disconnect,
)
from gateway.mcp.running import RunningCall

_SETTLE_SECONDS = 0.05
_PING_SECONDS = 15.0
_MOST_UNSENT = 256


class Exchange(RunningCall):
    """Answers one request, and notices that its client left. Calls shorter than 50 ms pay for none of it."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        progress_token: str | int | None,
        may_stream: bool,
        may_be_json: bool,
        leaving_cancels: bool,
    ) -> None:
        super().__init__()
        self._receive = receive
        self._send = send
        self._token = progress_token if may_stream else None
        self._may_stream = may_stream
        self._may_be_json = may_be_json
        self._leaving_cancels = leaving_cancels
        self._unsent: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._settling = loop.call_later(_SETTLE_SECONDS, self._settle)

    @property
    def wants_progress(self) -> bool:
        return self._token is not None

    def progress(self, params: dict[str, Any]) -> None:
        """Pass on an upstream's progress, under the caller's own token; a client that reads too slowly misses some."""
        if self._unsent.qsize() >= _MOST_UNSENT:
            return
        content = {**params, "progressToken": self._token}
        self._stream(
            orjson.dumps(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/progress",
                    "params": content,
                }
            )
        )

    async def answer(self, status: int, body: bytes) -> None:
        """Send the JSON-RPC response: as the last event where a stream has begun, else plainly."""
        self.is_answered = True
        self._settling.cancel()
        if self._pump is None and not self._may_be_json and status == 200:
            self._stream(body)
        elif self._pump is None:
            await send_json(self._send, status, body)
            return
        else:
            self._unsent.put_nowait(body)
        await self.end()

    async def refuse(self, refused: HttpError, body: bytes) -> None:
        """Refuse with an HTTP status, or with `body` where a stream has begun."""
        if self._pump is not None:
            await self.answer(200, body)
        else:
            self.is_answered = True
            self._settling.cancel()
            await send_json(self._send, refused.status, refused.body, refused.headers)

    async def end(self) -> None:
        """Let what is unsent out, and end the stream."""
        if self._pump is None:
            await start_stream(self._send)
            await end_stream(self._send)
            return
        self._unsent.put_nowait(None)
        await self._pump

    def close(self) -> None:
        """Forget the timers and tasks, whichever way the exchange went."""
        self._settling.cancel()
        for task in (self._watch, self._pump):
            if task is not None and not task.done():
                task.cancel()

    def _settle(self) -> None:
        """The call takes longer: watch for the client's leaving, and keep the line warm."""
        loop = asyncio.get_running_loop()
        if self._leaving_cancels:
            self._watch = loop.create_task(self._cancel_when_left())
        if self._may_stream:
            self._settling = loop.call_later(_PING_SECONDS, self._start_pump)

    async def _cancel_when_left(self) -> None:
        await wait_for_disconnect(self._receive)
        self.cancel()

    def _stream(self, event: bytes) -> None:
        self._unsent.put_nowait(event)
        self._start_pump()

    def _start_pump(self) -> None:
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._pump_events())

    async def _pump_events(self) -> None:
        with contextlib.suppress(
            OSError
        ):  # the client left; in the handshake eras the call goes on
            await start_stream(self._send)
            while True:
                try:
                    async with asyncio.timeout(_PING_SECONDS):
                        event = await self._unsent.get()
                except TimeoutError:
                    await send_ping(self._send)
                    continue
                if event is None:
                    break
                await send_event(self._send, event)
            await end_stream(self._send)
