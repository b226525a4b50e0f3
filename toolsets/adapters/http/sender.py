"""Sends calls to HTTP APIs: one request, built from the tool's configuration, and its answer as MCP content."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import orjson

from toolsets.adapters.calling import (
    Answer,
    Target,
    ToolRequest,
    UpstreamLost,
    UpstreamUnreachable,
)
from toolsets.adapters.http.answers import answer_of
from toolsets.adapters.http.clients import Clients
from toolsets.adapters.http.requests import OutgoingRequest, sent_headers
from toolsets.adapters.sending import http_url, send_over

Build = Callable[[Target, ToolRequest], OutgoingRequest]
"""Makes the request of a call. What it raises (a `Refused`) stops the call before anything is sent."""

_MANY_ARGUMENTS = 16_384
_LONG_CONFIG = 8192
_LOOP = re.compile(r"\bfor\b")
_REPEATABLE = frozenset({"GET", "HEAD"})


class HttpSender:
    """Calls tools that are HTTP requests."""

    def __init__(
        self,
        build: Build,
        *,
        max_connections: int,
        connect_seconds: float,
        idle_seconds: float,
    ) -> None:
        self._build = build
        self._clients = Clients(
            most=max_connections,
            connect_seconds=connect_seconds,
            idle_seconds=idle_seconds,
        )

    async def send(
        self, target: Target, request: ToolRequest, *, has_waited: bool
    ) -> Answer:
        """Send a call, and once more where it cannot have been executed, or may be executed twice."""
        outgoing = await self._built(target, request)
        if not outgoing.is_confirmed:
            target = replace(target, networks=())
        with self._clients.of(target) as client:
            try:
                return await _exchange(client, outgoing, request, has_waited=has_waited)
            except UpstreamUnreachable:
                pass  # nothing was sent
            except UpstreamLost:
                if not (request.is_retryable or outgoing.method in _REPEATABLE):
                    raise
            return await _exchange(client, outgoing, request, has_waited=True)

    async def _built(self, target: Target, request: ToolRequest) -> OutgoingRequest:
        if _takes_long(request):
            return await asyncio.to_thread(self._build, target, request)
        return self._build(target, request)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._clients.aclose()


def _takes_long(request: ToolRequest) -> bool:
    """Whether building may hold up the event loop: many arguments, long templates (which may be new), or a loop in one."""
    if len(request.config) > _LONG_CONFIG or _LOOP.search(request.config):
        return True
    try:
        return len(orjson.dumps(request.arguments)) > _MANY_ARGUMENTS
    except TypeError:  # too deep to be written; building says so
        return True


async def _exchange(
    client: aiohttp.ClientSession,
    outgoing: OutgoingRequest,
    request: ToolRequest,
    *,
    has_waited: bool,
) -> Answer:
    if has_waited and request.after_wait is not None:
        await request.after_wait()
    if request.on_sent is not None:
        request.on_sent()
    response = await send_over(
        client,
        outgoing.method,
        http_url(outgoing.url, encoded=True),
        headers=sent_headers(outgoing),
        body=outgoing.body,
    )
    try:
        return await answer_of(response, request.max_result_bytes)
    finally:
        response.close()  # gives a connection back that was read to its end
