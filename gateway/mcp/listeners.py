"""Streams of clients that want to know when their list of tools changes."""

import asyncio
import contextlib
import logging
from typing import Any
from weakref import WeakSet

import orjson

from gateway import bus
from gateway.database import DatabaseAway
from gateway.errors import GatewayError
from gateway.identity.revisions import Revisions
from gateway.jobs import JobFailed
from gateway.mcp.access import Access, Door, Visit
from gateway.mcp.http import (
    Receive,
    Send,
    end_stream,
    send_event,
    send_ping,
    start_stream,
    wait_for_disconnect,
)
from gateway.mcp.listing import list_digest
from gateway.mcp.protocol import SUBSCRIPTION_KEY

log = logging.getLogger(__name__)

CHANGED_TOPIC = "workspace-changed"
ENDED_TOPIC = "session-ended"
_COMPARE_SECONDS = 2.0
_PING_SECONDS = 15.0


class Listener:
    """One open stream: who listens, what they saw last, and the words of their protocol revision."""

    def __init__(
        self,
        door: Door,
        visit: Visit,
        digest: str,
        *,
        nonce: str = "",
        subscription: str | int | None = None,
        hears_of_tools: bool = True,
    ) -> None:
        self.door = door
        self.visit = visit
        self.nonce = nonce
        self.subscription = subscription
        self.hears_of_tools = hears_of_tools
        self.is_over = False
        self.woken = asyncio.Event()
        self.seen: Revisions | None = None
        self.digest = digest

    def notification(self, method: str, **params: Any) -> bytes:
        if self.subscription is not None:
            params["_meta"] = {SUBSCRIPTION_KEY: self.subscription}
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params:
            message["params"] = params
        return orjson.dumps(message)

    def ending(self) -> bytes | None:
        """The response that closes a `subscriptions/listen`; GET streams just end."""
        if self.subscription is None:
            return None
        result = {
            "resultType": "complete",
            "_meta": {SUBSCRIPTION_KEY: self.subscription},
        }
        return orjson.dumps(
            {"jsonrpc": "2.0", "id": self.subscription, "result": result}
        )

    def end(self) -> None:
        self.is_over = True
        self.woken.set()


class Listeners:
    """The open streams of this process. Woken by the bus, and by a comparison of revisions every two seconds."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._open: set[Listener] = set()
        self._compare_now = asyncio.Event()
        _serving.add(self)
        bus.listen(CHANGED_TOPIC, self._hear_change)
        bus.listen(ENDED_TOPIC, self._hear_end)

    def close(self) -> None:
        bus.unlisten(CHANGED_TOPIC, self._hear_change)
        bus.unlisten(ENDED_TOPIC, self._hear_end)
        for listener in self._open:
            listener.end()

    async def compare_forever(self) -> None:
        """Wake the listeners whose revisions moved, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_COMPARE_SECONDS):
                    await self._compare_now.wait()
            self._compare_now.clear()
            await asyncio.gather(
                *(self._compare(listener) for listener in list(self._open))
            )

    async def _compare(self, listener: Listener) -> None:
        try:
            await self._wake_if_moved(listener)
        except DatabaseAway:
            return
        except JobFailed as exc:
            log.warning("revisions not compared", extra={"cause": str(exc)})

    async def _wake_if_moved(self, listener: Listener) -> None:
        visit = listener.visit
        now = await self._access.revisions.current(
            visit.pack.workspace_id,
            visit.user.registered_user_id,
            visit.pack.tool_sets,
        )
        if listener.seen != now:
            listener.seen = now
            listener.woken.set()

    async def serve(
        self, listener: Listener, receive: Receive, send: Send, *, first: bytes | None
    ) -> None:
        """Keep the stream open until its client leaves, it is ended, or its caller may not listen any more."""
        self._open.add(listener)
        leaving = asyncio.ensure_future(wait_for_disconnect(receive))
        leaving.add_done_callback(lambda _: listener.end())
        try:
            await start_stream(send)
            await (send_event(send, first) if first else send_ping(send))
            self._compare_now.set()
            while not listener.is_over:
                await self._tell(listener, send)
            if not leaving.done():
                await _say_goodbye(listener, send)
        except asyncio.CancelledError:
            await _say_goodbye(listener, send)
            raise
        finally:
            self._open.discard(listener)
            leaving.cancel()

    async def _tell(self, listener: Listener, send: Send) -> None:
        """Wait for news, and tell the client of it if its own list is another."""
        try:
            async with asyncio.timeout(_PING_SECONDS):
                await listener.woken.wait()
        except TimeoutError:
            await send_ping(send)
        listener.woken.clear()
        if listener.is_over:
            return
        try:
            listener.visit = await self._access.enter(listener.door)
        except DatabaseAway:
            return
        except GatewayError as exc:
            log.info("listener ended", extra={"code": exc.code})
            listener.is_over = True
            return
        digest = await list_digest(listener.visit.pack)
        if digest != listener.digest:
            listener.digest = digest
            if listener.hears_of_tools:
                await send_event(
                    send, listener.notification("notifications/tools/list_changed")
                )

    def _hear_change(self, content: dict[str, Any]) -> None:
        if any(
            listener.visit.pack.workspace_id == content.get("workspace")
            for listener in self._open
        ):
            self._compare_now.set()

    def _hear_end(self, content: dict[str, Any]) -> None:
        for listener in self._open:
            if listener.nonce and listener.nonce == content.get("nonce"):
                listener.end()


_serving: WeakSet[Listeners] = WeakSet()


def end_streams() -> None:
    """Say goodbye to whoever listens to this process, which is about to stop; call it on the event loop."""
    for listeners in list(_serving):
        listeners.close()


async def _say_goodbye(listener: Listener, send: Send) -> None:
    if (ending := listener.ending()) is not None:
        await send_event(send, ending)
    await end_stream(send)
