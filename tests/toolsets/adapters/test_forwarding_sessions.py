"""What the forwarder keeps between calls: sessions, opened once, lost, reopened, kept apart and let go."""

import asyncio
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from gateway.errors import GatewayError
from tests.toolsets.adapters.forwarding import (
    HANDSHAKE,
    Post,
    Reply,
    Scripted,
    Seen,
    as_json,
    call,
    error,
    forwarding,
    happened,
    initialized,
    modern,
    request,
    result,
    target,
    telling_server,
)
from tests.upstreams import Upstream, handshake_only, served, streamable_http_app
from toolsets.adapters.calling import (
    Answer,
    UpstreamAnsweredError,
    UpstreamFailed,
    UpstreamMisbehaved,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from toolsets.adapters.forwarding import Forwarder


def handshaking(post: Post) -> Reply:
    """A stateful upstream of 2025-11-25 with one session, `s1`."""
    match post.rpc:
        case "server/discover":
            return 400, {}, b""
        case "initialize":
            return initialized(post, mcp_session_id="s1")
        case "tools/call":
            return as_json(result(post, content=[]))
        case _:
            return 202, {}, b""


def speaking_modern(post: Post) -> Reply:
    return as_json(result(post, content=[], resultType="complete"))


def test_a_handshake_declares_no_capability_and_is_confirmed_in_its_session() -> None:
    upstream = Scripted(handshaking)

    with served(upstream) as at:
        call(target(at.url(), headers={"Authorization": "Bearer s3cret"}))

    discover, initialize, confirmation, calling, goodbye = upstream.posts
    assert discover.rpc == "server/discover"
    assert initialize.message["params"]["capabilities"] == {}
    assert "mcp-session-id" not in initialize.headers
    assert confirmation.rpc == "notifications/initialized"
    for post in (confirmation, calling, goodbye):
        assert post.headers["mcp-session-id"] == "s1"
        assert post.headers["mcp-protocol-version"] == HANDSHAKE
        assert post.headers["authorization"] == "Bearer s3cret"
    assert goodbye.method == "DELETE"


def test_a_modern_call_repeats_itself_in_headers() -> None:
    upstream = Scripted(speaking_modern)
    caller: dict[str, Any] = {
        "capabilities": {"elicitation": {}},
        "client_info": {"name": "agent", "version": "7"},
        "header_paths": {("text",): "Text"},
    }

    with served(upstream) as at:
        call(modern(at.url()), "naïve tool", **caller)

    (post,) = upstream.posts
    meta = post.message["params"]["_meta"]
    assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert meta["io.modelcontextprotocol/clientCapabilities"] == {"elicitation": {}}
    assert meta["io.modelcontextprotocol/clientInfo"]["name"] == "agent"
    assert post.headers["mcp-protocol-version"] == "2026-07-28"
    assert post.headers["mcp-method"] == "tools/call"
    assert post.headers["mcp-name"] == "=?base64?bmHDr3ZlIHRvb2w=?="
    assert post.headers["mcp-param-text"] == "hello"


def test_headers_of_a_tool_set_cannot_break_the_protocol() -> None:
    upstream = Scripted(speaking_modern)
    hostile = {"Content-Length": "3", "mcp-method": "x", "Accept": "text/html"}

    with served(upstream) as at:
        call(modern(at.url(), headers=hostile))

    (post,) = upstream.posts
    assert post.headers["mcp-method"] == "tools/call"
    assert post.headers["accept"] == "application/json, text/event-stream"


def test_callers_who_come_together_open_one_session() -> None:
    upstream = Scripted(handshaking)

    async def scene(forwarder: Forwarder) -> None:
        calls = [forwarder.call(target(at.url()), request()) for _ in range(20)]
        await asyncio.gather(*calls)

    with served(upstream) as at:
        forwarding(scene)

    assert upstream.rpcs.count("initialize") == 1
    assert upstream.rpcs.count("tools/call") == 20


def test_nothing_opened_with_one_key_serves_another() -> None:
    upstream = Scripted(handshaking)

    async def scene(forwarder: Forwarder) -> None:
        first = target(at.url(), headers={"Authorization": "one"})
        second = replace(
            first, key=("ts_1", 1, "", 1), headers={"Authorization": "two"}
        )
        for to in (first, second, first):
            await forwarder.call(to, request())

    with served(upstream) as at:
        forwarding(scene)

    handshakes = [post for post in upstream.posts if post.rpc == "initialize"]
    calls = [post for post in upstream.posts if post.rpc == "tools/call"]
    assert [post.headers["authorization"] for post in handshakes] == ["one", "two"]
    assert [post.headers["authorization"] for post in calls] == ["one", "two", "one"]


def test_an_upstream_that_restarts_without_its_sessions_is_called_again() -> None:
    seen = Seen()

    async def scene(forwarder: Forwarder) -> None:
        before = Upstream(handshake_only(streamable_http_app(telling_server(seen))))
        to, port = target(before.url()), before.port
        await forwarder.call(to, request())
        await asyncio.to_thread(before.stop)
        restarted = handshake_only(streamable_http_app(telling_server(seen)))
        with served(restarted, port=port):
            calls = [forwarder.call(to, request()) for _ in range(10)]
            await asyncio.gather(*calls)

    forwarding(scene)

    assert len(seen.calls) == 11


@pytest.mark.parametrize("status", [400, 404])
def test_a_lost_session_is_reopened_once_and_not_for_ever(status: int) -> None:
    def losing(post: Post) -> Reply:
        if post.rpc == "tools/call":
            return status, {}, b"no such session"
        return handshaking(post)

    upstream = Scripted(losing)

    with served(upstream) as at, pytest.raises(UpstreamMisbehaved):
        call(target(at.url()))

    assert upstream.rpcs.count("initialize") == 2
    assert upstream.rpcs.count("tools/call") == 2


@pytest.mark.parametrize("code", [-32602, -32601, -32021])
def test_an_error_about_the_call_is_not_taken_for_a_lost_session(code: int) -> None:
    upstream = Scripted(lambda post: as_json(error(post, code), status=400))

    with served(upstream) as at, pytest.raises(UpstreamAnsweredError) as caught:
        call(modern(at.url()))

    assert caught.value.rpc_code == code
    assert upstream.rpcs == ["tools/call"]


def test_a_header_mismatch_asks_for_a_sync() -> None:
    upstream = Scripted(lambda post: as_json(error(post, -32020), status=400))
    changed: list[str] = []

    async def scene(forwarder: Forwarder) -> None:
        with pytest.raises(UpstreamAnsweredError):
            await forwarder.call(modern(at.url()), request())

    with served(upstream) as at:
        forwarding(scene, on_list_changed=changed.append)

    assert changed == ["ts_1"]


def test_an_upstream_that_speaks_only_unknown_versions_is_named_as_such() -> None:
    def newer(post: Post) -> Reply:
        data = {"supported": ["2031-01-01"]}
        return as_json(error(post, -32022, data=data), status=400)

    with served(Scripted(newer)) as at, pytest.raises(UpstreamMisbehaved):
        call(target(at.url()))


def test_a_dead_upstream_is_not_asked_again_at_once_and_recovers_soon() -> None:
    attempts: list[str] = []

    def failing(post: Post) -> Reply:
        attempts.append(post.rpc)
        return 503, {}, b""

    async def scene(forwarder: Forwarder) -> Answer:
        with served(Scripted(failing)) as at:
            port = at.port
            for _ in range(5):
                with pytest.raises(UpstreamFailed):
                    await forwarder.call(target(at.url()), request())
        with served(Scripted(handshaking), port=port) as at:
            async with asyncio.timeout(30):
                return await _until_it_works(forwarder, at.url())

    forwarding(scene)

    assert attempts == ["server/discover", "initialize"]


async def _until_it_works(forwarder: Forwarder, url: str) -> Answer:
    while True:
        try:
            return await forwarder.call(target(url), request())
        except GatewayError:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_refused_handshake_is_repeated_to_those_who_come_next(status: int) -> None:
    upstream = Scripted(lambda post: as_json(error(post, -32603), status=status))

    async def scene(forwarder: Forwarder) -> None:
        for _ in range(3):
            with pytest.raises(UpstreamMisbehaved):
                await forwarder.call(target(at.url()), request())

    with served(upstream) as at:
        forwarding(scene)

    assert upstream.rpcs.count("initialize") == 1


def test_a_refused_credential_is_named_as_such() -> None:
    upstream = Scripted(lambda _: (401, {"www-authenticate": "Bearer"}, b"secret"))

    with served(upstream) as at, pytest.raises(UpstreamUnauthorized) as caught:
        call(target(at.url()))

    assert upstream.rpcs == ["server/discover"]
    assert "secret" not in caught.value.message


def test_an_idle_session_is_closed_and_opened_again_when_needed() -> None:
    left = Event()

    def noticing(post: Post) -> Reply:
        if post.method == "DELETE":
            left.set()
        return handshaking(post)

    upstream = Scripted(noticing)

    async def scene(forwarder: Forwarder) -> None:
        await forwarder.call(target(at.url()), request())
        assert await happened(left)
        await forwarder.call(target(at.url()), request())

    with served(upstream) as at:
        forwarding(scene, idle_seconds=0.2)

    assert upstream.rpcs.count("initialize") == 2


def test_too_many_sessions_close_the_one_unused_longest() -> None:
    upstream = Scripted(handshaking)

    async def scene(forwarder: Forwarder) -> None:
        for generation in (1, 2, 3, 2):
            to = target(at.url(), key=("ts_1", 1, "", generation))
            await forwarder.call(to, request())

    with served(upstream) as at:
        forwarding(scene, max_connections=2)

    assert upstream.rpcs.count("initialize") == 3


def test_a_call_that_waited_is_asked_again_before_it_is_sent() -> None:
    upstream = Scripted(handshaking)

    class NoLonger(Exception):
        pass

    async def after_wait() -> None:
        raise NoLonger

    async def scene(forwarder: Forwarder) -> None:
        with pytest.raises(NoLonger):
            await forwarder.call(target(at.url()), request(after_wait=after_wait))

    with served(upstream) as at:
        forwarding(scene)

    assert "tools/call" not in upstream.rpcs


def test_an_upstream_that_refuses_connections_is_unreachable() -> None:
    with served(Scripted(handshaking)) as at:
        url = at.url()

    for to in (target(url), modern(url)):
        with pytest.raises(UpstreamUnreachable):
            call(to)
