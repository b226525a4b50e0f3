"""The call path to MCP upstreams: a free place, a session, one request, one answer.

Read `Forwarder.call` first. What a session does with a call differs by era: `modern.py`, `handshake.py`, `legacy_sse.py`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from toolsets.adapters.calling import (
    Answer,
    Target,
    ToolRequest,
    UpstreamLost,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from toolsets.adapters.mcp.answering import SessionRefused
from toolsets.adapters.mcp.pool import SessionPool
from toolsets.adapters.mcp.sessions import Session
from toolsets.adapters.mcp.shares import Shares


class Forwarder:
    """Calls tools upstream, over sessions that it keeps. It lives on one event loop."""

    def __init__(
        self,
        *,
        max_connections: int = 1000,
        calls_per_tool_set: int = 100,
        connect_seconds: float = 5.0,
        idle_seconds: float = 300.0,
        on_list_changed: Callable[[str], None] | None = None,
    ) -> None:
        self._shares = Shares(each=calls_per_tool_set, total=max_connections)
        self._pool = SessionPool(
            most=max_connections,
            connect_seconds=connect_seconds,
            idle_seconds=idle_seconds,
            on_list_changed=on_list_changed,
        )

    async def call(self, target: Target, request: ToolRequest) -> Answer:
        """Call one tool once, and once more only where the upstream cannot have executed it or the caller allows.

        Raises:
            UpstreamError, ResultTooLarge: there is no answer.
            ToolSetBusy, AddressRefused: nothing was sent.
        """
        tool_set_id = target.key[0]
        if request.deadline <= asyncio.get_running_loop().time():
            raise _timed_out()
        try:
            async with asyncio.timeout_at(request.deadline):
                has_waited = not self._shares.take(tool_set_id)
                if has_waited:
                    await self._shares.wait(tool_set_id)
                try:
                    return await self._call(target, request, has_waited=has_waited)
                finally:
                    self._shares.leave(tool_set_id)
        except TimeoutError as exc:
            raise _timed_out() from exc

    async def _call(
        self, target: Target, request: ToolRequest, *, has_waited: bool
    ) -> Answer:
        session = self._pool.ready(target.key)
        if session is None:
            session = await self._pool.open(target)
            has_waited = True
        try:
            return await self._use(session, request, has_waited=has_waited)
        except SessionRefused as exc:
            self._pool.forget(target.key, session)
            target = _as_refused(target, session, exc)
        except UpstreamUnreachable:
            pass  # nothing was sent
        except UpstreamLost:
            if not request.is_retryable:
                raise
        return await self._call_again(target, request)

    async def _call_again(self, target: Target, request: ToolRequest) -> Answer:
        session = self._pool.ready(target.key) or await self._pool.open(target)
        try:
            return await self._use(session, request, has_waited=True)
        except SessionRefused as exc:
            raise exc.answer or exc from None

    async def _use(
        self, session: Session, request: ToolRequest, *, has_waited: bool
    ) -> Answer:
        session.in_flight += 1
        try:
            if has_waited and request.after_wait is not None:
                await request.after_wait()
            if request.on_sent is not None:
                request.on_sent()
            return await session.call(request)
        finally:
            session.in_flight -= 1
            self._pool.used(session)

    async def aclose(self) -> None:
        """Close every session, politely but not patiently."""
        await self._pool.aclose()


def _as_refused(target: Target, session: Session, refusal: SessionRefused) -> Target:
    """The same target, with what the refusal taught us in place of what the last sync found."""
    transport = session.transport if refusal.version else ""
    return replace(target, protocol_version=refusal.version, transport=transport)


def _timed_out() -> UpstreamTimedOut:
    return UpstreamTimedOut(
        "The upstream did not answer in time. It may still be executing the call."
    )
