"""The open sessions of one process, each under its key: opened once, closed when idle, bounded in number."""

import asyncio
from collections.abc import Callable
from functools import partial

from gateway.errors import GatewayError
from toolsets.adapters.calling import (
    SessionKey,
    Target,
    ToolSetBusy,
    UpstreamAnsweredError,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from toolsets.adapters.mcp.errands import Errands
from toolsets.adapters.mcp.negotiation import open_session
from toolsets.adapters.mcp.sessions import Session

_COOL_DOWN_SECONDS = 1.0
_LONGEST_OPENING_SECONDS = 15.0
_MOST_LISTENING = 200


class SessionPool:
    """Sessions by key. Nothing opened under one key is ever given out under another."""

    def __init__(
        self,
        *,
        most: int,
        connect_seconds: float,
        idle_seconds: float,
        on_list_changed: Callable[[str], None] | None,
    ) -> None:
        self._most = most
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._on_list_changed = on_list_changed
        self._sessions: dict[SessionKey, Session] = {}
        self._openings: dict[SessionKey, asyncio.Task[Session]] = {}
        self._failures: dict[SessionKey, tuple[float, GatewayError]] = {}
        self._forgotten: set[Session] = set()
        self._goodbyes = Errands(most=most)
        self._sweeper: asyncio.TimerHandle | None = None

    def ready(self, key: SessionKey) -> Session | None:
        session = self._sessions.get(key)
        if session is not None and not session.is_open:
            self.forget(key, session)
            return None
        return session

    async def open(self, target: Target) -> Session:
        """The session of this key, opened by whoever comes first.

        Raises:
            UpstreamError, AddressRefused: it cannot be opened, or could not a moment ago.
            ToolSetBusy: there are too many sessions in use.
        """
        opening = self._openings.get(target.key)
        if opening is None:
            self._check_cool_down(target.key)
            self._make_room()
            opening = asyncio.get_running_loop().create_task(self._open(target))
            self._openings[target.key] = opening
            opening.add_done_callback(partial(self._opened, target.key))
        return await asyncio.shield(opening)

    async def _open(self, target: Target) -> Session:
        try:
            async with asyncio.timeout(_LONGEST_OPENING_SECONDS):
                return await open_session(
                    target,
                    connect_seconds=self._connect_seconds,
                    on_list_changed=partial(self._list_changed, target.key[0]),
                )
        except TimeoutError as exc:
            raise UpstreamTimedOut(
                "The upstream did not open a session in time. Nothing was called."
            ) from exc
        except UpstreamAnsweredError as exc:
            raise UpstreamMisbehaved(
                f"The upstream refuses to open a session: {exc.message}"
            ) from exc
        except UpstreamLost as exc:
            raise UpstreamUnreachable(
                "The upstream closed the connection while a session was being opened. Nothing was called."
            ) from exc

    def _opened(self, key: SessionKey, opening: asyncio.Task[Session]) -> None:
        del self._openings[key]
        if opening.cancelled():
            return
        loop = asyncio.get_running_loop()
        failure = opening.exception()
        if failure is None:
            self._listen_no_more_as_before(key)
            session = self._sessions[key] = opening.result()
            session.last_used = loop.time()
            self._listen(session)
        elif isinstance(failure, GatewayError):
            self._failures[key] = (loop.time() + _COOL_DOWN_SECONDS, failure)
        self._sweep_later()

    def _listen_no_more_as_before(self, key: SessionKey) -> None:
        """Whoever else the same holder listens to was opened before the tool set or the credential was changed."""
        tool_set_id, _, holder, _ = key
        for other, session in self._sessions.items():
            if (other[0], other[2]) == (tool_set_id, holder):
                session.stop_listening()

    def _listen(self, session: Session) -> None:
        listening = sum(one.is_listening for one in self._sessions.values())
        if self._on_list_changed is not None and listening < _MOST_LISTENING:
            session.listen()

    def _check_cool_down(self, key: SessionKey) -> None:
        until, failure = self._failures.get(key, (0.0, None))
        if failure is None:
            return
        if asyncio.get_running_loop().time() < until:
            raise failure.with_traceback(None)
        del self._failures[key]

    def _list_changed(self, tool_set_id: str) -> None:
        if self._on_list_changed is not None:
            self._on_list_changed(tool_set_id)

    def _make_room(self) -> None:
        if len(self._sessions) + len(self._openings) < self._most:
            return
        idle = [key for key, session in self._sessions.items() if not session.in_flight]
        if not idle:
            raise ToolSetBusy(
                "Toolcrib has too many upstream sessions in use. Try again shortly."
            )
        self._close(min(idle, key=lambda key: self._sessions[key].last_used))

    def used(self, session: Session) -> None:
        """Take note that a call over this session has ended."""
        session.last_used = asyncio.get_running_loop().time()
        if session.in_flight:
            return
        if session in self._forgotten:
            self._forgotten.discard(session)
            self._goodbyes.run(session.aclose())
        elif session.has_stale_connections:
            self._goodbyes.run(session.close_stale())

    def forget(self, key: SessionKey, session: Session) -> None:
        """Give this session out no more, and close it when its last call has ended.

        An upstream that does not know it any more was perhaps started anew, and offers other tools.
        """
        if self._sessions.get(key) is session:
            del self._sessions[key]
            session.stop_listening()
            self._forgotten.add(session)
            self.used(session)
            self._list_changed(key[0])

    def _close(self, key: SessionKey) -> None:
        session = self._sessions.pop(key)
        session.stop_listening()
        self._goodbyes.run(session.aclose())

    def _sweep_later(self) -> None:
        if self._sweeper is None and (self._sessions or self._failures):
            self._sweeper = asyncio.get_running_loop().call_later(
                max(self._idle_seconds / 4, 0.05), self._sweep
            )

    def _sweep(self) -> None:
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        for key, session in list(self._sessions.items()):
            if not session.in_flight and now - session.last_used > self._idle_seconds:
                self._close(key)
        for key, (until, _) in list(self._failures.items()):
            if until < now:
                del self._failures[key]
        self._sweep_later()

    async def aclose(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for opening in list(self._openings.values()):
            opening.cancel()
        await asyncio.gather(*self._openings.values(), return_exceptions=True)
        sessions = [*self._sessions.values(), *self._forgotten]
        self._sessions.clear()
        self._forgotten.clear()
        await asyncio.gather(
            *(session.aclose() for session in sessions), return_exceptions=True
        )
        await self._goodbyes.finish(seconds=2.0)
