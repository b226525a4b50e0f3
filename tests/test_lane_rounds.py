"""The rounds of the lane: many jobs together, each with its own end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
import uvloop
from django.db import DataError, OperationalError

from gateway.database import DatabaseAway
from gateway.jobs import Answer, Batch, JobFailed, Statement
from gateway.lane import Lane

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
NOW = "2026-11-20 00:00:00+00:00"
_INSERT = "INSERT INTO identity_account (id, name, created_at) VALUES (%s, %s, %s)"


def on_a_lane(scene: Callable[[Lane], Awaitable[T]]) -> T:
    """Play `scene` on the kind of event loop that serves."""

    async def play() -> T:
        lane = Lane()
        lane.start()
        try:
            async with asyncio.timeout(60):
                return await scene(lane)
        finally:
            await lane.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(play())


class Echo:
    """Says of each item that it did it. Remembers what it was given together; fails on what it is told to."""

    def __init__(self, **failures: Exception) -> None:
        self.together: list[list[Any]] = []
        self._failures = failures
        self.batch = Batch(self._statements, self._results)

    def _statements(self, items: Sequence[Any]) -> list[Statement]:
        self.together.append(list(items))
        for item in items:
            if failure := self._failures.get(str(item)):
                raise failure
        return [("SELECT %s", (f"did {item}",)) for item in items]

    def _results(self, items: Sequence[Any], answers: Sequence[Answer]) -> list[str]:
        return [answer.rows[0][0] for answer in answers]


async def ended(*futures: "asyncio.Future[Any]") -> list[Any]:
    return await asyncio.gather(*futures, return_exceptions=True)


def test_what_is_asked_in_one_turn_goes_together() -> None:
    echo = Echo()

    async def scene(lane: Lane) -> list[Any]:
        return await ended(*(lane.read(echo.batch, n) for n in range(100)))

    assert on_a_lane(scene) == [f"did {n}" for n in range(100)]
    assert echo.together == [list(range(100))]


def test_writes_come_before_reads_of_the_same_turn() -> None:
    naming = Batch[str, int](
        lambda names: [(_INSERT, ("acct_1", name, NOW)) for name in names],
        lambda names, answers: [answer.written for answer in answers],
    )
    counting = Batch[None, int](
        lambda items: [("SELECT COUNT(*) FROM identity_account", ())] * len(items),
        lambda items, answers: [answer.rows[0][0] for answer in answers],
    )

    async def scene(lane: Lane) -> list[Any]:
        return await ended(lane.read(counting, None), lane.write(naming, "Ada"))

    assert on_a_lane(scene) == [1, 1]


@pytest.mark.parametrize("failure", [DataError("odd"), ValueError("odd")])
def test_write_that_the_database_refuses_fails_alone(failure: Exception) -> None:
    echo = Echo(bad=failure)

    async def scene(lane: Lane) -> list[Any]:
        return await ended(
            *(lane.write(echo.batch, item) for item in ("a", "bad", "b"))
        )

    first, refused, last = on_a_lane(scene)

    assert (first, last) == ("did a", "did b")
    assert isinstance(refused, JobFailed)


def test_lost_connection_fails_all_and_the_next_round_goes_well() -> None:
    echo = Echo(away=OperationalError("gone"))

    async def scene(lane: Lane) -> tuple[list[Any], Any]:
        lost = await ended(lane.write(echo.batch, "away"), lane.write(echo.batch, "b"))
        return lost, await lane.write(echo.batch, "c")

    lost, after = on_a_lane(scene)

    assert all(isinstance(error, DatabaseAway) for error in lost)
    assert after == "did c"


def test_nobody_need_wait_for_a_job_that_fails() -> None:
    echo = Echo(away=OperationalError("gone"))

    async def scene(lane: Lane) -> Any:
        given_up = lane.write(echo.batch, "away")
        given_up.cancel()
        return await lane.read(echo.batch, "b")

    assert on_a_lane(scene) == "did b"


def test_stopping_does_what_is_waiting() -> None:
    echo = Echo()

    async def scene() -> list[Any]:
        lane = Lane()
        lane.start()
        waiting = [lane.write(echo.batch, n) for n in range(3)]
        await lane.stop()
        return await ended(*waiting)

    assert asyncio.run(scene()) == ["did 0", "did 1", "did 2"]


def test_what_is_asked_after_the_end_is_refused() -> None:
    async def scene(lane: Lane) -> list[Any]:
        await lane.stop()
        return await ended(lane.write(Echo().batch, 1))

    (refused,) = on_a_lane(scene)

    assert isinstance(refused, DatabaseAway)
