"""Calls to the SDK's own servers, in every era and over every transport that upstreams speak."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.toolsets.adapters.forwarding import (
    MODERN,
    Seen,
    call,
    forwarding,
    happened,
    let_pass,
    request,
    target,
    telling_server,
)
from tests.upstreams import handshake_only, served, sse_app, streamable_http_app
from toolsets.adapters.calling import (
    LEGACY_SSE,
    Answer,
    Target,
    UpstreamAnsweredError,
    UpstreamTimedOut,
)
from toolsets.adapters.forwarding import Forwarder


@pytest.fixture
def seen() -> Seen:
    return Seen()


def _app(kind: str, seen: Seen) -> tuple[Any, str]:
    server = telling_server(seen)
    match kind:
        case "modern":
            return streamable_http_app(server), "/mcp"
        case "modern-json":
            return streamable_http_app(server, json_response=True), "/mcp"
        case "handshake":
            return handshake_only(streamable_http_app(server)), "/mcp"
        case "handshake-json":
            app = streamable_http_app(server, json_response=True)
            return handshake_only(app), "/mcp"
        case "stateless":
            app = streamable_http_app(server, is_stateless=True)
            return handshake_only(app), "/mcp"
        case _:
            return sse_app(server), "/sse"


@pytest.fixture(
    params=[
        "modern",
        "modern-json",
        "handshake",
        "handshake-json",
        "stateless",
        "legacy",
    ]
)
def everyone(request: pytest.FixtureRequest, seen: Seen) -> Iterator[Target]:
    """An upstream of each kind, of which nothing is known yet."""
    app, path = _app(request.param, seen)
    with served(app) as upstream:
        yield target(upstream.url(path))


@pytest.fixture(params=["modern", "handshake", "legacy"])
def streaming(request: pytest.FixtureRequest, seen: Seen) -> Iterator[Target]:
    """An upstream of each kind that can send something before the answer."""
    app, path = _app(request.param, seen)
    with served(app) as upstream:
        yield target(upstream.url(path))


def text_of(answer: Answer) -> Any:
    return json.loads(answer.result["content"][0]["text"])


async def time_out(forwarder: Forwarder, to: Target, seen: Seen) -> None:
    """Make a call that hangs upstream until its deadline."""
    calling = asyncio.create_task(forwarder.call(to, request("hang", seconds=25)))
    assert await happened(seen.started)
    let_pass(25)
    with pytest.raises(UpstreamTimedOut):
        await calling


def test_an_upstream_of_unknown_era_is_called(everyone: Target, seen: Seen) -> None:
    answer = call(everyone, arguments={"text": "Grüße"})

    assert text_of(answer) == {"arguments": {"text": "Grüße"}}
    assert seen.calls == ["echo"]
    assert answer.size > 50


def test_many_calls_share_what_the_first_ones_opened(
    everyone: Target, seen: Seen
) -> None:
    async def scene(forwarder: Forwarder) -> list[Any]:
        calls = [
            forwarder.call(everyone, request(arguments={"n": n})) for n in range(40)
        ]
        return [text_of(answer) for answer in await asyncio.gather(*calls)]

    said = forwarding(scene)

    assert said == [{"arguments": {"n": n}} for n in range(40)]
    assert len(seen.calls) == 40


def test_an_error_of_the_tool_keeps_its_own_code(everyone: Target) -> None:
    with pytest.raises(UpstreamAnsweredError) as caught:
        call(everyone, "fail")

    assert caught.value.rpc_code == -32050
    assert caught.value.message == "no such fish"
    assert caught.value.data == {"fish": 1}


def test_progress_comes_through_without_our_token(streaming: Target) -> None:
    heard: list[dict[str, Any]] = []

    call(streaming, "progress", on_progress=heard.append)

    assert heard == [
        {"progress": step, "total": 3, "message": f"step {step}"} for step in (1, 2, 3)
    ]


def test_a_call_that_takes_too_long_ends_upstream_too(
    streaming: Target, seen: Seen
) -> None:
    async def scene(forwarder: Forwarder) -> bool:
        await forwarder.call(streaming, request())
        await time_out(forwarder, streaming, seen)
        return await happened(seen.cancelled)

    assert forwarding(scene)


def test_a_call_whose_caller_leaves_ends_upstream_too(
    streaming: Target, seen: Seen
) -> None:
    async def scene(forwarder: Forwarder) -> bool:
        calling = asyncio.create_task(forwarder.call(streaming, request("hang")))
        assert await happened(seen.started)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        return await happened(seen.cancelled)

    assert forwarding(scene)


def test_a_session_is_usable_after_a_call_that_timed_out(
    streaming: Target, seen: Seen
) -> None:
    async def scene(forwarder: Forwarder) -> Answer:
        await time_out(forwarder, streaming, seen)
        return await forwarder.call(streaming, request())

    assert text_of(forwarding(scene)) == {"arguments": {"text": "hello"}}


def test_what_a_modern_upstream_asks_comes_back_as_it_is(seen: Seen) -> None:
    with served(streamable_http_app(telling_server(seen))) as upstream:
        to = target(upstream.url(), protocol_version=MODERN)
        asking: dict[str, Any] = {"capabilities": {"elicitation": {"form": {}}}}
        asked = call(to, "ask", **asking).result
        responses = {"name": {"action": "accept", "content": {"name": "Ada"}}}
        told = call(
            to, "ask", input_responses=responses, request_state="opaque", **asking
        )

    assert asked["resultType"] == "input_required"
    assert asked["requestState"] == "opaque"
    assert asked["inputRequests"]["name"]["method"] == "elicitation/create"
    assert told.result["resultType"] == "complete"


@pytest.mark.parametrize(
    ("version", "transport"),
    [("2025-11-25", ""), ("2024-11-05", LEGACY_SSE), ("1999-01-01", "")],
)
def test_a_wrong_guess_of_the_last_sync_is_mended(
    seen: Seen, version: str, transport: str
) -> None:
    with served(streamable_http_app(telling_server(seen))) as upstream:
        to = target(upstream.url(), protocol_version=version, transport=transport)
        answer = call(to)

    assert text_of(answer) == {"arguments": {"text": "hello"}}


@pytest.mark.parametrize("kind", ["handshake", "stateless", "legacy"])
def test_an_upstream_that_went_back_an_era_is_called_once(
    kind: str, seen: Seen
) -> None:
    app, path = _app(kind, seen)
    with served(app) as upstream:
        answer = call(target(upstream.url(path), protocol_version=MODERN))

    assert text_of(answer) == {"arguments": {"text": "hello"}}
    assert seen.calls == ["echo"]
