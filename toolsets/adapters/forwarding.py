"""The call path to every upstream: a free place, the sender of the tool set's adapter, one answer within the time."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from toolsets.adapters.calling import Answer, Target, ToolRequest, UpstreamTimedOut
from toolsets.adapters.http.building import build as build_request
from toolsets.adapters.http.sender import HttpSender
from toolsets.adapters.mcp.sender import McpSender
from toolsets.adapters.openapi.requests import build as build_operation
from toolsets.adapters.shares import Shares


class Sender(Protocol):
    """Sends the calls of one kind of adapter."""

    async def send(
        self, target: Target, request: ToolRequest, *, has_waited: bool
    ) -> Answer:
        """Send a call that has a place. It may be cancelled at its deadline."""

    async def aclose(self) -> None:
        """Let go of every connection."""


class Forwarder:
    """Calls tools upstream. It lives on one event loop."""

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
        limits: dict[str, Any] = {
            "max_connections": max_connections,
            "connect_seconds": connect_seconds,
            "idle_seconds": idle_seconds,
        }
        self._senders: Mapping[str, Sender] = {
            "mcp": McpSender(on_list_changed=on_list_changed, **limits),
            "http": HttpSender(build_request, **limits),
            "openapi": HttpSender(build_operation, **limits),
        }

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
                    return await self._senders[target.adapter].send(
                        target, request, has_waited=has_waited
                    )
                finally:
                    self._shares.leave(tool_set_id)
        except TimeoutError as exc:
            raise _timed_out() from exc

    async def aclose(self) -> None:
        """Close every connection, politely but not patiently."""
        for sender in self._senders.values():
            await sender.aclose()


def _timed_out() -> UpstreamTimedOut:
    return UpstreamTimedOut(
        "The upstream did not answer in time. It may still be executing the call."
    )
