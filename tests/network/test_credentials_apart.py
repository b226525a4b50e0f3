"""Cookies and sessions that an upstream plants with one credential holder: no other ever carries them."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import pytest

from gateway.network import fetch
from tests.network.clients import source
from tests.toolsets.adapters.forwarding import (
    HANDSHAKE,
    MODERN,
    forwarding,
    request,
    target,
)
from tests.upstreams import Receive, Scope, Send, body_of, result_of, served, tool
from toolsets.adapters.calling import Target
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.mcp.listing import list_tools

CONFIG = json.dumps({"requestMethod": "GET", "path": ""})
HOLDERS = {
    "Bearer one": ("ts_1", 1, "tool_set", 1),
    "Bearer two": ("ts_1", 1, "tool_set", 2),  # the next generation of its secrets
    "Bearer three": ("ts_2", 1, "tool_set", 1),
    "Bearer four": ("ts_1", 2, "tool_set", 1),
    "Bearer five": ("ts_1", 1, "ru_1", 1),
}


@dataclass
class Planting:
    """Gives everybody a cookie and a session of their own, and remembers who came back with what."""

    cookies: list[str] = field(default_factory=list)
    sessions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    connections: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        who = headers.get("authorization", "")
        self.connections[who].add(scope["client"][1])
        if "cookie" in headers:
            self.cookies.append(headers["cookie"])
        if "mcp-session-id" in headers:
            self.sessions[who].add(headers["mcp-session-id"])
        message = json.loads(await body_of(receive) or b"{}")
        out = [
            (b"content-type", b"application/json"),
            (b"set-cookie", f"who={who.removeprefix('Bearer ')}; Path=/".encode()),
            (b"mcp-session-id", f"session-of-{who[7:]}".encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": out})
        body = json.dumps(result_of(message, _answer(message))).encode()
        await send({"type": "http.response.body", "body": body})


def _answer(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("method") == "tools/list":
        return {"tools": [tool("echo")]}
    server = {"name": "planting", "version": "1"}
    shaken = {"protocolVersion": HANDSHAKE, "capabilities": {}, "serverInfo": server}
    return shaken if message.get("method") == "initialize" else {"content": []}


def held_by(who: str, url: str, members: dict[str, Any]) -> Target:
    return target(url, key=HOLDERS[who], headers={"Authorization": who}, **members)


@pytest.mark.parametrize(
    "members",
    [
        {"adapter": "mcp", "protocol_version": HANDSHAKE},
        {"adapter": "mcp", "protocol_version": MODERN},
        {"adapter": "mcp"},
        {"adapter": "http"},
    ],
    ids=["handshake", "modern", "unknown era", "http"],
)
def test_what_one_holder_is_given_is_never_carried_by_another(
    members: dict[str, Any],
) -> None:
    upstream = Planting()

    async def scene(forwarder: Forwarder) -> None:
        for pair in permutations(HOLDERS, 2):
            for who in pair:
                to = held_by(who, at.url(), members)
                await forwarder.call(to, request(config=CONFIG))

    with served(upstream) as at:
        forwarding(scene)

    assert upstream.cookies == []
    for who, sessions in upstream.sessions.items():
        assert sessions == {f"session-of-{who.removeprefix('Bearer ')}"}
    everywhere = [port for ports in upstream.connections.values() for port in ports]
    assert set(upstream.connections) == set(HOLDERS)
    assert len(everywhere) == len(set(everywhere))


def test_a_listing_carries_no_cookie_and_no_session_of_another() -> None:
    upstream = Planting()

    with served(upstream) as at:
        for who in [*HOLDERS, *HOLDERS]:
            asked = source("mcp", at.url(), ("127.0.0.0/8",))
            asked.headers["Authorization"] = who  # type: ignore[index]
            assert list(list_tools(asked, lambda _: None).tools) == ["echo"]

    assert upstream.cookies == []
    for who, sessions in upstream.sessions.items():
        assert sessions == {f"session-of-{who.removeprefix('Bearer ')}"}


def test_a_fetch_carries_no_cookie() -> None:
    upstream = Planting()

    with served(upstream) as at:
        for who in HOLDERS:
            fetch(
                at.url(),
                headers={"Authorization": who},
                networks=("127.0.0.0/8",),
                timeout_seconds=5,
                max_bytes=1_000,
            )

    assert upstream.cookies == []
    assert set(upstream.connections) == set(HOLDERS)
