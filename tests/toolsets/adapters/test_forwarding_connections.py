"""Connections that break, and connections that may not be made."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.network import AddressRefused
from tests.toolsets.adapters.forwarding import (
    Scripted,
    as_json,
    call,
    forwarding,
    modern,
    request,
    result,
)
from tests.upstreams import served
from toolsets.adapters.calling import (
    Answer,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamUnreachable,
)
from toolsets.adapters.forwarding import Forwarder

Handler = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def breaking(
    handler: Handler, scene: Callable[[Forwarder, str], Awaitable[Any]]
) -> Any:
    """Play a scene against a raw TCP server; `handler` gets the number of the request, from 1, once it was read."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(
                    head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                )
                await reader.readexactly(length)
                count += 1
                await handler(count, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def play(forwarder: Forwarder) -> Any:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                return await scene(forwarder, f"http://127.0.0.1:{port}/mcp"), count
            finally:
                await forwarder.aclose()

    return forwarding(play)


def answer_bytes(number: int) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": number + 1, "result": {"content": []}})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


async def break_first(
    number: int, _: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Break the first connection without a word, and answer afterwards."""
    if number == 1:
        writer.transport.abort()
    else:
        writer.write(answer_bytes(number))


async def break_in_the_middle(
    number: int, _: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(answer_bytes(number)[:-5])
    writer.close()


async def talk_nonsense(
    _: int, __: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"220 hunter2 ESMTP\r\n")


@pytest.mark.parametrize("handler", [break_first, break_in_the_middle])
def test_a_connection_that_breaks_after_the_call_was_sent_is_not_retried(
    handler: Handler,
) -> None:
    async def scene(forwarder: Forwarder, url: str) -> None:
        with pytest.raises(UpstreamLost):
            await forwarder.call(modern(url), request())

    _, sent = breaking(handler, scene)

    assert sent == 1


def test_a_retryable_call_is_sent_once_more_on_a_fresh_connection() -> None:
    async def scene(forwarder: Forwarder, url: str) -> Answer:
        return await forwarder.call(modern(url), request(is_retryable=True))

    answer, sent = breaking(break_first, scene)

    assert (answer.result, sent) == ({"content": []}, 2)


def test_an_answer_that_is_not_http_is_misbehaviour() -> None:
    async def scene(forwarder: Forwarder, url: str) -> None:
        with pytest.raises(UpstreamMisbehaved) as caught:
            await forwarder.call(modern(url), request())
        assert "hunter2" not in caught.value.message

    breaking(talk_nonsense, scene)


def test_calls_after_a_stale_connection_get_fresh_ones() -> None:
    connections: set[asyncio.StreamWriter] = set()
    together = asyncio.Barrier(5)

    async def stale(
        number: int, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connections.add(writer)
        if number == 6:
            writer.transport.abort()
            return
        if number <= 5:
            await together.wait()
        writer.write(answer_bytes(number))

    async def scene(forwarder: Forwarder, url: str) -> None:
        await asyncio.gather(
            *(forwarder.call(modern(url), request()) for _ in range(5)),
        )
        with pytest.raises(UpstreamLost):
            await forwarder.call(modern(url), request())
        await forwarder.call(modern(url), request())

    breaking(stale, scene)

    assert len(connections) == 6


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0x7f.1",
        "localhost",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "169.254.169.254",
        "10.0.0.1",
    ],
)
def test_an_address_that_is_not_allowed_is_refused_at_the_socket(host: str) -> None:
    upstream = Scripted(lambda post: as_json(result(post)))

    with served(upstream) as at, pytest.raises(AddressRefused):
        call(modern(f"http://{host}:{at.port}/mcp", networks=()), seconds=5)

    assert upstream.posts == []


def test_a_proxy_in_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    upstream = Scripted(lambda post: as_json(result(post), set_cookie="who=me"))

    async def scene(forwarder: Forwarder) -> None:
        for _ in range(2):
            await forwarder.call(modern(at.url()), request())

    with served(upstream) as at:
        forwarding(scene)

    assert [post.headers.get("cookie") for post in upstream.posts] == [None, None]


@pytest.mark.parametrize(
    "url",
    ["not a url", "ftp://127.0.0.1/", "http://", "http://[/", "http://2130706433/"],
)
def test_an_address_that_is_no_http_url_is_unreachable(url: str) -> None:
    with pytest.raises(UpstreamUnreachable):
        call(modern(url))


def test_a_header_with_a_line_break_is_not_sent() -> None:
    upstream = Scripted(lambda post: as_json(result(post)))

    with served(upstream) as at, pytest.raises(UpstreamUnreachable):
        call(modern(at.url(), headers={"X-Key": "a\r\nX-Evil: b"}))

    assert upstream.posts == []
