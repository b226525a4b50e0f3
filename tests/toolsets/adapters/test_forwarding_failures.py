"""Hostile and broken upstreams: every one ends in a clear error, within bounds, and harms no other."""

import asyncio
import gzip
from threading import Event

import pytest

from tests.toolsets.adapters.forwarding import (
    Post,
    Reply,
    Scripted,
    as_events,
    as_json,
    call,
    forwarding,
    modern,
    request,
    result,
)
from tests.upstreams import constant_app, dripping_app, served
from toolsets.adapters.calling import (
    ResultTooLarge,
    ToolSetBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamTimedOut,
)
from toolsets.adapters.forwarding import Forwarder

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html")
EVENTS = (b"content-type", b"text/event-stream")
SECRET = b"hunter2"


@pytest.mark.parametrize(
    ("status", "header", "body", "expected"),
    [
        (200, HTML, b"<h1>hunter2</h1>", UpstreamMisbehaved),
        (200, JSON, b"hunter2 is not JSON", UpstreamMisbehaved),
        (200, JSON, b"", UpstreamMisbehaved),
        (200, JSON, b'"hunter2"', UpstreamMisbehaved),
        (200, JSON, b"[1]", UpstreamMisbehaved),
        (200, JSON, b"[" * 5000, UpstreamMisbehaved),
        (200, JSON, b'{"jsonrpc":"2.0","id":99,"result":{}}', UpstreamMisbehaved),
        (
            200,
            JSON,
            b'{"jsonrpc":"2.0","id":2,"result":["hunter2"]}',
            UpstreamMisbehaved,
        ),
        (200, JSON, b'{"jsonrpc":"2.0","id":2}', UpstreamMisbehaved),
        (200, JSON, b'{"jsonrpc":"2.0","id":2,"error":"hunter2"}', UpstreamMisbehaved),
        (200, EVENTS, b"data: hunter2\n\n", UpstreamMisbehaved),
        (200, EVENTS, b": nothing\n\n", UpstreamLost),
        (202, JSON, b"", UpstreamMisbehaved),
        (302, (b"location", b"http://127.0.0.1:1/"), b"", UpstreamMisbehaved),
        (413, HTML, SECRET, UpstreamMisbehaved),
        (429, HTML, SECRET, UpstreamFailed),
        (500, HTML, SECRET, UpstreamFailed),
        (503, JSON, b"{}", UpstreamFailed),
    ],
)
def test_an_answer_that_is_none_is_named_without_quoting_it(
    status: int,
    header: tuple[bytes, bytes],
    body: bytes,
    expected: type[UpstreamError],
) -> None:
    with served(constant_app(status, body, header)) as at, pytest.raises(expected) as e:
        call(modern(at.url()))

    assert type(e.value) is expected
    assert "hunter2" not in e.value.message


def test_a_batch_that_holds_the_answer_is_read() -> None:
    upstream = Scripted(
        lambda post: as_json([{"method": "notifications/x"}, result(post, content=[])])
    )

    with served(upstream) as at:
        assert call(modern(at.url())).result == {"content": []}


@pytest.mark.parametrize("declares_length", [True, False])
def test_a_result_larger_than_allowed_is_refused(declares_length: bool) -> None:
    body = b"x" * 3_000_000
    headers = [JSON]
    if declares_length:
        headers.append((b"content-length", b"%d" % len(body)))

    app = constant_app(200, body, *headers)

    with served(app) as at, pytest.raises(ResultTooLarge):
        call(modern(at.url()))


def test_a_compressed_result_counts_as_it_unpacks() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    app = constant_app(200, bomb, JSON, (b"content-encoding", b"gzip"))

    with served(app) as at, pytest.raises(ResultTooLarge):
        call(modern(at.url()))


def test_an_event_stream_is_bounded_in_all_its_events() -> None:
    noise = {
        "jsonrpc": "2.0",
        "method": "notifications/message",
        "params": {"x": "x" * 900},
    }
    upstream = Scripted(lambda _: as_events(*[noise] * 2000))

    with served(upstream) as at, pytest.raises(ResultTooLarge):
        call(modern(at.url()))


def test_an_upstream_that_drips_is_left_at_the_deadline() -> None:
    app = dripping_app(b" ", every_seconds=0.02)

    with served(app) as at, pytest.raises(UpstreamTimedOut):
        call(modern(at.url()), seconds=0.4)


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    upstream = Scripted(lambda post: as_json(result(post)))

    with served(upstream) as at, pytest.raises(UpstreamTimedOut):
        call(modern(at.url()), seconds=-1)

    assert upstream.posts == []


def test_an_upstream_that_hangs_starves_no_other_tool_set() -> None:
    leaving = Event()

    async def hang(post: Post) -> Reply:
        await asyncio.to_thread(leaving.wait, 80)
        return as_json(result(post))

    async def scene(forwarder: Forwarder) -> None:
        hanging = modern(stuck.url(), key=("ts_stuck", 1, "", 0))
        calls = [
            asyncio.create_task(forwarder.call(hanging, request(seconds=80)))
            for _ in range(13)
        ]
        done, waiting = await asyncio.wait(calls, return_when="FIRST_COMPLETED")
        for refused in done:
            assert isinstance(refused.exception(), ToolSetBusy)
        assert len(waiting) == 12
        for _ in range(30):
            await forwarder.call(
                modern(well.url(), key=("ts_well", 1, "", 0)), request()
            )
        leaving.set()
        await asyncio.gather(*waiting)

    healthy = Scripted(lambda post: as_json(result(post)))
    with served(Scripted(hang)) as stuck, served(healthy) as well:
        forwarding(scene, calls_per_tool_set=10, max_connections=30)
