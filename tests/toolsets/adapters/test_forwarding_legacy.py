"""Upstreams of the 2024-11-05 transport that break its promises, or go away."""

import asyncio
import json
from typing import Any

import pytest

from tests.toolsets.adapters.forwarding import (
    call,
    forwarding,
    request,
    target,
)
from tests.upstreams import Receive, Scope, Send, Upstream, body_of, served
from toolsets.adapters.calling import (
    LEGACY_SSE,
    Answer,
    ResultTooLarge,
    Target,
    UpstreamLost,
    UpstreamMisbehaved,
)
from toolsets.adapters.forwarding import Forwarder


class Streaming:
    """A raw server of HTTP+SSE: it names `endpoint`, and answers a call with `answer`, or closes the stream for None."""

    def __init__(self, *, endpoint: str = "/messages", answer: Any = None) -> None:
        self._endpoint = endpoint
        self._answer = answer
        self._outbox: asyncio.Queue[dict[str, Any]] | None = None
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET":
            await self._stream(receive, send)
        else:
            message = json.loads(await body_of(receive))
            status = 202 if self._outbox else 404
            if self._outbox:
                await self._outbox.put(message)
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _stream(self, receive: Receive, send: Send) -> None:
        outbox = self._outbox = asyncio.Queue()
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._say(send, f"event: endpoint\ndata: {self._endpoint}\n\n")
        while (message := await outbox.get()) and (result := self._to(message)):
            if "id" in message:
                reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
                await self._say(send, f"data: {json.dumps(reply)}\n\n")
        await send({"type": "http.response.body", "body": b""})

    async def _say(self, send: Send, event: str) -> None:
        body = event.encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})

    def _to(self, message: dict[str, Any]) -> Any:
        if message["method"] == "tools/call":
            self.calls += 1
            return self._answer
        return {"protocolVersion": "2024-11-05", "capabilities": {}}


def legacy(url: str) -> Target:
    return target(url, transport=LEGACY_SSE)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1/x", "//evil.example/x"])
def test_messages_go_only_to_the_origin_of_the_stream(endpoint: str) -> None:
    upstream = Streaming(endpoint=endpoint, answer={"content": []})

    with served(upstream) as at, pytest.raises(UpstreamMisbehaved):
        call(legacy(at.url("/sse")))

    assert upstream.calls == 0


def test_a_stream_that_closes_loses_the_call_and_the_next_opens_another() -> None:
    upstream = Streaming(answer=None)

    async def scene(forwarder: Forwarder) -> None:
        for _ in range(2):
            with pytest.raises(UpstreamLost):
                await forwarder.call(legacy(at.url("/sse")), request())

    with served(upstream) as at:
        forwarding(scene)

    assert upstream.calls == 2


def test_a_result_larger_than_allowed_is_refused() -> None:
    upstream = Streaming(answer={"content": [], "x": "x" * 5000})

    with served(upstream) as at, pytest.raises(ResultTooLarge):
        call(legacy(at.url("/sse")), max_result_bytes=1000)


def test_an_upstream_that_restarts_is_called_again() -> None:
    restarted = Streaming(answer={"content": []})

    async def scene(forwarder: Forwarder) -> Answer:
        before = Upstream(Streaming(answer={"content": ["before"]}))
        to, port = legacy(before.url("/sse")), before.port
        await forwarder.call(to, request())
        await asyncio.to_thread(before.stop)
        with served(restarted, port=port):
            return await forwarder.call(to, request())

    answer = forwarding(scene)

    assert (answer.result, restarted.calls) == ({"content": []}, 1)
