"""What an upstream says between calls: heard as long as a session is open, and no longer than it is worth hearing."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Event
from typing import Any

import pytest

from tests.toolsets.adapters.forwarding import (
    HANDSHAKE,
    MODERN,
    Post,
    as_json,
    error,
    forwarding,
    initialized,
    let_pass,
    request,
    result,
    target,
)
from tests.upstreams import Receive, Scope, Send, body_of, respond, served
from toolsets.adapters.calling import Target, UpstreamLost
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.mcp import hearing, pool

NEWS = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def event(message: Any, id: str = "") -> bytes:
    name = f"id: {id}\n" if id else ""
    return f"{name}data: {json.dumps(message)}\n\n".encode()


class Speaking:
    """A raw upstream of both eras that also speaks between calls.

    Each time it is asked for its stream it does what is next of `turns`: answers with a status, or says these pieces and
    ends the stream; after the last it keeps the stream open. `calls` does the same for calls: a status, or None to break
    off in the middle of the answer; after the last they succeed.
    """

    def __init__(
        self, *turns: int | Sequence[bytes], calls: Sequence[int | None] = ()
    ) -> None:
        self._turns: Iterator[int | Sequence[bytes]] = iter(turns)
        self._calls = iter(calls)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sends: list[Send] = []
        self.asked: list[Post] = []
        self.replies: list[Any] = []
        self.is_heard = Event()
        self.left = 0

    def say(self, piece: bytes) -> None:
        """On every stream that is open, from another thread."""
        assert self._loop is not None
        for send in self._sends:
            asyncio.run_coroutine_threadsafe(_piece(send, piece), self._loop).result(30)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = json.loads(await body_of(receive) or b"{}")
        post = Post(scope["method"], headers, message)
        match post.rpc:
            case "GET" | "subscriptions/listen":
                self.asked.append(post)
                await self._speak(post, receive, send)
            case "initialize":
                await _answer(send, initialized(post, mcp_session_id="s"))
            case "tools/call":
                await self._called(post, send)
            case "POST":
                self.replies.append(message)
                await respond(send, 202, None)
            case _:
                await respond(send, 202, None)

    async def _speak(self, post: Post, receive: Receive, send: Send) -> None:
        turn = next(self._turns, None)
        if isinstance(turn, int):
            await _answer(send, as_json(error(post, -32601), status=turn))
            return
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", b"text/event-stream")]})
        for piece in turn or ():
            await _piece(send, piece)
        if turn is None:
            await self._keep_open(receive, send)
        else:
            await send({"type": "http.response.body", "body": b""})

    async def _keep_open(self, receive: Receive, send: Send) -> None:
        await _piece(send, b": here\n\n")
        self._loop = asyncio.get_running_loop()
        self._sends.append(send)
        self.is_heard.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        self._sends.remove(send)
        self.left += 1

    async def _called(self, post: Post, send: Send) -> None:
        turn = next(self._calls, 200)
        if turn is None:
            await send({"type": "http.response.start", "status": 200, "headers": JSON})
            await _piece(send, b"{")
            raise ConnectionError
        answer = result(post, content=[]) if turn == 200 else error(post, -32001)
        await _answer(send, as_json(answer, status=turn))


JSON = [(b"content-type", b"application/json"), (b"content-length", b"99")]


async def _piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _answer(send: Send, reply: Any) -> None:
    status, headers, content = reply
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(params=[HANDSHAKE, MODERN])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "_FIRST_PAUSE_SECONDS", 0.001)


async def until(is_so: Callable[[], object]) -> None:
    """Wait for what the upstream's thread does; the scene has a limit."""
    while not is_so():  # noqa: ASYNC110 - it happens on another thread
        await asyncio.sleep(0.005)


def heard(
    upstream: Speaking, version: str, *, calls: int = 1, **awaited: Any
) -> list[str]:
    """Which tool sets changed, as it is heard from the upstream while calls are made; when `until` holds, that is all."""
    changed: list[str] = []
    ends: Callable[[list[str]], object] = awaited.get(
        "until", lambda _: upstream.is_heard.is_set()
    )

    async def scene(forwarder: Forwarder) -> None:
        to: Target = target(at.url(), protocol_version=version)
        for _ in range(calls):
            await forwarder.call(to, request())
        await until(lambda: ends(changed))

    with served(upstream) as at:
        forwarding(scene, on_list_changed=changed.append)
    return changed


def test_news_between_calls_is_heard(version: str) -> None:
    upstream = Speaking([event(NEWS)])

    assert heard(upstream, version, until=bool)[0] == "ts_1"


def test_upstream_is_asked_as_its_era_has_it(version: str) -> None:
    upstream = Speaking()

    heard(upstream, version)

    (asked,) = upstream.asked
    if version == HANDSHAKE:
        assert (asked.method, asked.message) == ("GET", {})
        assert asked.headers["mcp-session-id"] == "s"
        assert asked.headers["accept"] == "text/event-stream"
    else:
        assert asked.headers["mcp-method"] == "subscriptions/listen"
        params = asked.message["params"]
        assert params["notifications"] == {"toolsListChanged": True}
        meta = params["_meta"]
        assert meta["io.modelcontextprotocol/protocolVersion"] == MODERN


def test_the_stream_ends_with_the_session(version: str) -> None:
    upstream = Speaking()

    async def scene(forwarder: Forwarder) -> None:
        await forwarder.call(target(at.url(), protocol_version=version), request())
        await until(upstream.is_heard.is_set)

    with served(upstream) as at:
        forwarding(scene, on_list_changed=lambda _: None)
        asyncio.run(until(lambda: upstream.left == 1))


REFUSAL = {"jsonrpc": "2.0", "id": 3, "error": {"code": -32601, "message": "no"}}
ACKNOWLEDGED_NOTHING = {
    "jsonrpc": "2.0",
    "method": "notifications/subscriptions/acknowledged",
    "params": {"notifications": {}},
}


@pytest.mark.parametrize(
    "turn",
    [
        400,
        401,
        404,
        405,
        200,
        [event(REFUSAL)],
        [event(ACKNOWLEDGED_NOTHING), event(NEWS)],
    ],
)
def test_upstream_that_has_nothing_to_say_is_not_asked_again(
    version: str, turn: Any
) -> None:
    upstream = Speaking(turn)

    changed = heard(upstream, version, calls=30, until=lambda _: upstream.asked)

    assert (changed, len(upstream.asked)) == ([], 1)


def test_upstream_that_ends_each_stream_at_once_is_not_asked_for_ever(
    version: str,
) -> None:
    upstream = Speaking(*[[]] * 10)

    heard(upstream, version, calls=60, until=lambda _: len(upstream.asked) == 3)

    assert len(upstream.asked) == 3


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_upstream_that_cannot_now_is_asked_later(version: str, status: int) -> None:
    upstream = Speaking(status, status)

    assert heard(upstream, version, until=bool) == ["ts_1"]

    assert len(upstream.asked) == 3


@pytest.mark.parametrize(
    "turn",
    [
        404,
        200,
        [b": a short one\n\n"],
        [b"data: no JSON\n\n"],
        [b"data: " + b"x" * 300_000],
        [b": talk\n\n" * 1000] * 200,
    ],
)
def test_what_may_have_been_missed_while_there_was_no_stream_is_news(turn: Any) -> None:
    upstream = Speaking([event({"jsonrpc": "2.0", "method": "x"})], turn)

    def is_heard_again(changed: list[str]) -> bool:
        return upstream.is_heard.is_set() and bool(changed)

    changed = heard(upstream, MODERN, until=is_heard_again)

    assert set(changed) == {"ts_1"}
    assert len(upstream.asked) == 3


def test_session_that_the_upstream_forgot_is_news_and_not_listened_to() -> None:
    upstream = Speaking([event({"jsonrpc": "2.0", "method": "x"})], 404)

    assert heard(upstream, HANDSHAKE, until=bool) == ["ts_1"]

    assert len(upstream.asked) == 2


def test_call_that_finds_its_session_forgotten_is_news(version: str) -> None:
    upstream = Speaking(calls=[200, 404])

    assert heard(upstream, version, calls=2, until=bool) == ["ts_1"]


def test_call_that_is_lost_makes_nobody_deaf(version: str) -> None:
    upstream = Speaking(calls=[200, None])
    changed: list[str] = []

    async def scene(forwarder: Forwarder) -> None:
        to = target(at.url(), protocol_version=version)
        await forwarder.call(to, request())
        await until(upstream.is_heard.is_set)
        with pytest.raises(UpstreamLost):
            await forwarder.call(to, request())
        await forwarder.call(to, request())
        await asyncio.to_thread(upstream.say, event(NEWS))
        await until(lambda: changed)
        assert upstream.left == 0

    with served(upstream) as at:
        forwarding(scene, on_list_changed=changed.append)

    assert (changed, len(upstream.asked)) == (["ts_1"], 1)


def test_no_session_is_listened_to_after_it_was_closed() -> None:
    upstream, many = Speaking(), 100

    async def scene(forwarder: Forwarder) -> None:
        for number in range(many):
            key = (f"ts_{number}", 1, "", 0)
            to = target(at.url(), protocol_version=HANDSHAKE, key=key)
            await forwarder.call(to, request())
        await until(lambda: len(upstream.asked) == many)
        let_pass(50)  # all of them are idle now
        await until(lambda: upstream.left == many)

    with served(upstream) as at:
        forwarding(scene, on_list_changed=lambda _: None, idle_seconds=40)

    assert len(upstream.asked) == many


def _is_asked(upstream: Speaking, times: int) -> bool:
    return len(upstream.asked) == times


def test_nothing_is_sent_as_it_was_before_a_change() -> None:
    upstream = Speaking()

    async def scene(forwarder: Forwarder) -> None:
        for version in (1, 2):
            key = ("ts_1", version, "", 0)
            to = target(at.url(), protocol_version=HANDSHAKE, key=key)
            await forwarder.call(to, request())
            await until(partial(_is_asked, upstream, version))
        await until(lambda: upstream.left == 1)

    with served(upstream) as at:
        forwarding(scene, on_list_changed=lambda _: None)


def test_so_many_upstreams_are_listened_to_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "_MOST_LISTENING", 2)
    upstream = Speaking()

    async def scene(forwarder: Forwarder) -> None:
        for number in range(5):
            key = (f"ts_{number}", 1, "", 0)
            to = target(at.url(), protocol_version=MODERN, key=key)
            await forwarder.call(to, request())
        await until(lambda: len(upstream.asked) == 2)

    with served(upstream) as at:
        forwarding(scene, on_list_changed=lambda _: None)

    assert len(upstream.asked) == 2


def test_question_on_the_stream_is_answered() -> None:
    upstream = Speaking([event({"jsonrpc": "2.0", "id": "p", "method": "ping"})])

    heard(upstream, HANDSHAKE, until=lambda _: upstream.replies)

    assert upstream.replies == [{"jsonrpc": "2.0", "id": "p", "result": {}}]


def test_questions_without_end_are_not_all_answered_and_the_rest_is_heard() -> None:
    questions = [
        event({"jsonrpc": "2.0", "id": n, "method": "ping"}) for n in range(500)
    ]
    upstream = Speaking([*questions, event(NEWS)])

    changed = heard(upstream, HANDSHAKE, until=bool)

    assert changed[0] == "ts_1"
    assert len(upstream.replies) <= 60


def test_question_without_a_proper_id_is_not_answered() -> None:
    deep: list[Any] = []
    for _ in range(700):
        deep = [deep]
    upstream = Speaking(
        [
            event({"jsonrpc": "2.0", "id": deep, "method": "ping"}),
            event({"jsonrpc": "2.0", "id": "good", "method": "ping"}),
        ]
    )

    heard(upstream, HANDSHAKE, until=lambda _: upstream.replies)

    assert [reply["id"] for reply in upstream.replies] == ["good"]


def test_who_wants_no_news_asks_for_none(version: str) -> None:
    upstream = Speaking()

    async def scene(forwarder: Forwarder) -> None:
        for _ in range(10):
            await forwarder.call(target(at.url(), protocol_version=version), request())

    with served(upstream) as at:
        forwarding(scene)

    assert upstream.asked == []
