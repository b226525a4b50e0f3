"""What else an upstream of the handshake eras says on the stream of a call."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from tests.toolsets.adapters.forwarding import (
    Post,
    Reply,
    Scripted,
    as_events,
    call,
    forwarding,
    happened,
    initialized,
    request,
    result,
    target,
)
from tests.upstreams import served
from toolsets.adapters.calling import (
    UpstreamLost,
)
from toolsets.adapters.forwarding import Forwarder


def on_a_stream(*messages: Any) -> Callable[[Post], Reply]:
    """An upstream of 2025-11-25 that says these messages before the answer."""

    def script(post: Post) -> Reply:
        match post.rpc:
            case "initialize":
                return initialized(post, mcp_session_id="s1")
            case "tools/call":
                return as_events(*messages, result(post, content=[]))
            case _:
                return 202, {}, b""

    return script


def test_what_a_handshake_upstream_asks_is_declined_and_a_ping_answered() -> None:
    replies: list[dict[str, Any]] = []
    both = Event()
    script = on_a_stream(
        {"jsonrpc": "2.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "id": "b", "method": "sampling/createMessage", "params": {}},
    )

    def hearing(post: Post) -> Reply:
        if "method" not in post.message and post.method == "POST":
            replies.append(post.message)
            if len(replies) == 2:
                both.set()
        return script(post)

    async def scene(forwarder: Forwarder) -> None:
        to = target(at.url(), protocol_version="2025-11-25")
        await forwarder.call(to, request())
        assert await happened(both)

    with served(Scripted(hearing)) as at:
        forwarding(scene)

    by_id = {reply["id"]: reply for reply in replies}
    assert by_id["a"]["result"] == {}
    assert by_id["b"]["error"]["code"] == -32601


def test_news_of_the_list_of_tools_is_passed_on() -> None:
    changed: list[str] = []
    news = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}

    async def scene(forwarder: Forwarder) -> None:
        await forwarder.call(target(at.url(), protocol_version="2025-11-25"), request())

    with served(Scripted(on_a_stream(news))) as at:
        forwarding(scene, on_list_changed=changed.append)

    assert changed == ["ts_1"]


def resuming(post: Post) -> Reply:
    """An upstream of 2025-11-25 that closes the stream of a call, and continues it when asked."""
    match post.rpc:
        case "tools/call":
            events = b"id: e1\nretry: 100\ndata:\n\n"
            return 200, {"content-type": "text/event-stream"}, events
        case "GET":
            content = {"jsonrpc": "2.0", "id": 2, "result": {"content": []}}
            return as_events(content)
        case _:
            return on_a_stream()(post)


def test_a_stream_that_can_be_resumed_is() -> None:
    upstream = Scripted(resuming)

    with served(upstream) as at:
        answer = call(target(at.url(), protocol_version="2025-11-25"))

    (resumption,) = [post for post in upstream.posts if post.method == "GET"]
    assert answer.result == {"content": []}
    assert resumption.headers["last-event-id"] == "e1"
    assert resumption.headers["mcp-session-id"] == "s1"
    assert upstream.rpcs.count("tools/call") == 1


def test_a_stream_that_cannot_be_resumed_is_lost() -> None:
    def refusing(post: Post) -> Reply:
        return (405, {}, b"") if post.method == "GET" else resuming(post)

    with served(Scripted(refusing)) as at, pytest.raises(UpstreamLost):
        call(target(at.url(), protocol_version="2025-11-25"))
