"""Sends calls to MCP upstreams: a session, one request, one answer.

What a session does with a call differs by era: `modern.py`, `handshake.py`, `legacy_sse.py`.
"""

from collections.abc import Callable
from dataclasses import replace

from toolsets.adapters.calling import (
    Answer,
    Target,
    ToolRequest,
    UpstreamLost,
    UpstreamUnreachable,
)
from toolsets.adapters.mcp.answering import SessionRefused
from toolsets.adapters.mcp.pool import SessionPool
from toolsets.adapters.mcp.sessions import Session


class McpSender:
    """Calls tools over sessions that it keeps."""

    def __init__(
        self,
        *,
        max_connections: int,
        connect_seconds: float,
        idle_seconds: float,
        on_list_changed: Callable[[str], None] | None,
    ) -> None:
        self._pool = SessionPool(
            most=max_connections,
            connect_seconds=connect_seconds,
            idle_seconds=idle_seconds,
            on_list_changed=on_list_changed,
        )

    async def send(
        self, target: Target, request: ToolRequest, *, has_waited: bool
    ) -> Answer:
        """Call one tool over the session of the target's key, and once more where it cannot have been executed."""
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
        return await self._send_again(target, request)

    async def _send_again(self, target: Target, request: ToolRequest) -> Answer:
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
