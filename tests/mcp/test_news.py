"""How often upstreams are heard that say that their tools changed."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from gateway.mcp import news
from gateway.mcp.news import UpstreamNews

Scene = Callable[[UpstreamNews, list[str]], Awaitable[None]]


class Clock:
    """The time of a loop, which stands still unless it is put forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def pass_by(seconds: float) -> None:
    """Put the clock forward when all that can be done is done, and let be done what then can."""
    clock = asyncio.get_running_loop().time
    assert isinstance(clock, Clock)
    await _settled()
    clock.now += seconds
    await _settled()


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], list[str]]:
    """Play a scene; which tool sets a sync was asked for, in this order."""
    asked: list[str] = []

    async def ask(_: object, tool_set_id: str) -> None:
        asked.append(tool_set_id)

    monkeypatch.setattr(news, "in_database", ask)

    async def scene_of(scene: Scene) -> None:
        asyncio.get_running_loop().time = Clock()  # type: ignore[method-assign]
        told = UpstreamNews()
        await scene(told, asked)
        await told.aclose()

    def played(scene: Scene) -> list[str]:
        asyncio.run(scene_of(scene))
        return asked

    return played


def test_first_news_is_heard_at_once(play: Callable[[Scene], list[str]]) -> None:
    async def scene(told: UpstreamNews, _: list[str]) -> None:
        told.tell("ts_1")
        told.tell("ts_2")
        await pass_by(0)

    assert play(scene) == ["ts_1", "ts_2"]


def test_who_talks_without_end_is_heard_less_and_less_often(
    play: Callable[[Scene], list[str]],
) -> None:
    heard_at: list[int] = []

    async def scene(told: UpstreamNews, asked: list[str]) -> None:
        for second in range(4000):
            before = len(asked)
            for _ in range(3):
                told.tell("ts_1")
            await pass_by(1)
            heard_at.extend([second] * (len(asked) - before))

    play(scene)

    waits = [after - before for before, after in pairwise(heard_at)]
    assert heard_at[0] == 0
    assert waits[:5] == pytest.approx([10, 20, 40, 80, 160], abs=2)
    assert max(waits) == pytest.approx(900, abs=2)


def test_who_was_silent_for_long_is_heard_at_once_again(
    play: Callable[[Scene], list[str]],
) -> None:
    async def scene(told: UpstreamNews, asked: list[str]) -> None:
        told.tell("ts_1")
        await pass_by(0)
        told.tell("ts_1")
        await pass_by(10)
        assert len(asked) == 2
        await pass_by(60)
        told.tell("ts_1")
        await pass_by(0)

    assert len(play(scene)) == 3


def test_what_waits_when_the_process_stops_is_left_to_the_schedule(
    play: Callable[[Scene], list[str]],
) -> None:
    async def scene(told: UpstreamNews, _: list[str]) -> None:
        told.tell("ts_1")
        await pass_by(0)
        told.tell("ts_1")

    assert play(scene) == ["ts_1"]
