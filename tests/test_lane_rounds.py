"""The rounds of the lane: many jobs together, each with its own end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
from django.db import DataError, OperationalError

from gateway.cursors import Cursor
from gateway.database import DatabaseAway
from gateway.lane import Lane
from gateway.rounds import JobFailed

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")


def on_a_lane(scene: Callable[[Lane], Awaitable[T]]) -> T:
    async def play() -> T:
        lane = Lane()
        lane.start()
        try:
            async with asyncio.timeout(20):
                return await scene(lane)
        finally:
            await lane.stop()

    return asyncio.run(play())


class Batch:
    """Remembers what it was given together; fails on what it is told to."""

    def __init__(self, **failures: Exception) -> None:
        self.together: list[list[Any]] = []
        self._failures = failures

    def __call__(self, _: Cursor, items: Sequence[Any]) -> list[str]:
        self.together.append(list(items))
        for item in items:
            if failure := self._failures.get(str(item)):
                raise failure
        return [f"did {item}" for item in items]


async def ended(*futures: "asyncio.Future[Any]") -> list[Any]:
    return await asyncio.gather(*futures, return_exceptions=True)


def test_what_is_asked_in_one_turn_goes_together() -> None:
    batch = Batch()

    async def scene(lane: Lane) -> list[Any]:
        return await ended(*(lane.read(batch, n) for n in range(100)))

    assert on_a_lane(scene) == [f"did {n}" for n in range(100)]
    assert batch.together == [list(range(100))]


def test_writes_come_before_reads_of_the_same_turn() -> None:
    order: list[str] = []

    async def scene(lane: Lane) -> None:
        reading = lane.read(lambda _, items: order.append("read") or items, 1)  # type: ignore[func-returns-value]
        writing = lane.write(lambda _, items: order.append("write") or items, 1)  # type: ignore[func-returns-value]
        await ended(reading, writing)

    on_a_lane(scene)

    assert order == ["write", "read"]


@pytest.mark.parametrize("failure", [DataError("odd"), ValueError("odd")])
def test_write_that_the_database_refuses_fails_alone(failure: Exception) -> None:
    batch = Batch(bad=failure)

    async def scene(lane: Lane) -> list[Any]:
        return await ended(*(lane.write(batch, item) for item in ("a", "bad", "b")))

    first, refused, last = on_a_lane(scene)

    assert (first, last) == ("did a", "did b")
    assert isinstance(refused, JobFailed)


def test_lost_connection_fails_all_and_the_next_round_goes_well() -> None:
    batch = Batch(away=OperationalError("gone"))

    async def scene(lane: Lane) -> tuple[list[Any], Any]:
        lost = await ended(lane.write(batch, "away"), lane.write(batch, "b"))
        return lost, await lane.write(batch, "c")

    lost, after = on_a_lane(scene)

    assert all(isinstance(error, DatabaseAway) for error in lost)
    assert after == "did c"


def test_nobody_need_wait_for_a_job_that_fails() -> None:
    batch = Batch(away=OperationalError("gone"))

    async def scene(lane: Lane) -> Any:
        given_up = lane.write(batch, "away")
        given_up.cancel()
        return await lane.read(batch, "b")

    assert on_a_lane(scene) == "did b"


def test_stopping_does_what_is_waiting() -> None:
    batch = Batch()

    async def scene() -> list[Any]:
        lane = Lane()
        lane.start()
        waiting = [lane.write(batch, n) for n in range(3)]
        await lane.stop()
        return await ended(*waiting)

    assert asyncio.run(scene()) == ["did 0", "did 1", "did 2"]
