"""Sends one request over a sender that nobody used before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tests.toolsets.adapters.forwarding import request, target
from toolsets.adapters.calling import Answer
from toolsets.adapters.http.requests import OutgoingRequest
from toolsets.adapters.http.sender import HttpSender

T = TypeVar("T")


def with_sender(
    outgoing: OutgoingRequest, scene: Callable[[HttpSender], Awaitable[T]]
) -> T:
    async def play() -> T:
        sender = HttpSender(
            lambda _, __: outgoing,
            max_connections=100,
            connect_seconds=20.0,
            idle_seconds=60.0,
        )
        try:
            async with asyncio.timeout(60):
                return await scene(sender)
        finally:
            await sender.aclose()

    return asyncio.run(play())


def send(url: str, method: str = "GET", **members: Any) -> Answer:
    """Send `method` to `url`; members of the call may be given as `call`."""
    call = members.pop("call", {})
    outgoing = OutgoingRequest(method=method, url=url, **members)

    async def scene(sender: HttpSender) -> Answer:
        return await sender.send(target(url), request(**call), has_waited=False)

    return with_sender(outgoing, scene)
