"""The least a relay can cost: raw ASGI in front of aiohttp, with no checks at all."""

import os
from typing import Any

import aiohttp

from benchmarks.upstream import Message, Receive, Send, body_of, respond

UPSTREAM_URL = os.environ.get("UPSTREAM_URL", "")
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
}
held: dict[str, Any] = {}


def session() -> aiohttp.ClientSession:
    if "session" not in held:
        held["session"] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
    opened: aiohttp.ClientSession = held["session"]
    return opened


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    body = await body_of(receive)
    async with session().post(UPSTREAM_URL, data=body, headers=HEADERS) as answer:
        await respond(send, answer.status, await answer.read())
