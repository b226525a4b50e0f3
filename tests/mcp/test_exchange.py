"""One HTTP exchange at its edges: what is said before the answer, and who leaves when."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from gateway.mcp.exchange import Exchange
from gateway.mcp.http import HttpError


class Wire:
    """The two ends of an ASGI request: what was sent, and a client that stays until it leaves."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.leaves = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.sent.append(message)

    @property
    def status(self) -> int:
        (start,) = [m for m in self.sent if m["type"] == "http.response.start"]
        return int(start["status"])

    @property
    def messages(self) -> list[Any]:
        body = b"".join(m.get("body", b"") for m in self.sent)
        lines = [line for line in body.split(b"\n") if line.startswith(b"data: ")]
        return [orjson.loads(line[6:]) for line in lines]


def exchanging(
    scene: Callable[[Wire, Exchange], Awaitable[None]], **given: Any
) -> Wire:
    async def play() -> Wire:
        wire = Wire()
        exchange = Exchange(
            wire.receive,
            wire.send,
            progress_token="mine",
            may_stream=given.get("may_stream", True),
            may_be_json=True,
            leaving_cancels=given.get("leaving_cancels", True),
        )
        try:
            async with asyncio.timeout(10):
                await scene(wire, exchange)
        finally:
            exchange.close()
        return wire

    return asyncio.run(play())


REFUSED = HttpError(401, "invalid_token", "No.")


def test_refusal_before_anything_was_said_has_its_status() -> None:
    async def scene(_: Wire, exchange: Exchange) -> None:
        await exchange.refuse(REFUSED, b'{"late":1}')

    assert exchanging(scene).status == 401


def test_refusal_after_a_stream_began_is_its_last_event() -> None:
    async def scene(_: Wire, exchange: Exchange) -> None:
        exchange.progress({"progress": 1})
        await exchange.refuse(REFUSED, b'{"late":1}')

    wire = exchanging(scene)

    assert wire.status == 200
    assert [m.get("method") for m in wire.messages] == ["notifications/progress", None]
    assert wire.messages[-1] == {"late": 1}


def test_cancelling_comes_too_late_for_an_answer_on_its_way() -> None:
    async def scene(wire: Wire, exchange: Exchange) -> None:
        exchange.progress({"progress": 1})
        wire.reads.clear()
        answering = asyncio.create_task(exchange.answer(200, b'{"done":1}'))
        await asyncio.sleep(0.1)
        exchange.cancel()
        wire.reads.set()
        await answering

    wire = exchanging(scene)

    assert wire.messages[-1] == {"done": 1}


def test_leaving_cancels_what_takes_longer_than_a_moment() -> None:
    async def scene(wire: Wire, exchange: Exchange) -> None:
        wire.leaves.set()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            exchange.survived()

        assert exchange.is_cancelled

    exchanging(scene)


def test_leaving_cancels_nothing_in_the_handshake_eras() -> None:
    async def scene(wire: Wire, exchange: Exchange) -> None:
        wire.leaves.set()
        await asyncio.sleep(0.2)

        assert not exchange.is_cancelled

    exchanging(scene, leaving_cancels=False)


def test_client_that_reads_slowly_misses_progress_but_not_the_answer() -> None:
    async def scene(wire: Wire, exchange: Exchange) -> None:
        wire.reads.clear()
        for step in range(5000):
            exchange.progress({"progress": step})
        wire.reads.set()
        await exchange.answer(200, b'{"done":1}')

    wire = exchanging(scene)

    assert 200 < len(wire.messages) < 300
    assert wire.messages[-1] == {"done": 1}
