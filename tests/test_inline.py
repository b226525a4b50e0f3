"""Small rounds on the event loop of an embedded gateway: done at once or not at all, and never in anybody's way."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection

from gateway.database import DatabaseAway
from gateway.identity.models import Account
from gateway.jobs import Answer, Batch, Statement
from gateway.lane import Lane
from tests.test_lane_rounds import Echo, ended, on_a_lane

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="only SQLite is used on the event loop"
    ),
]
_RENAME = "UPDATE identity_account SET name = %s WHERE id = %s"


class Renaming:
    """Renames an account, and remembers on which threads that was tried."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.threads: list[str] = []
        self.batch = Batch(self._statements, lambda names, _: names)

    def _statements(self, names: Sequence[str]) -> list[Statement]:
        self.threads.append(threading.current_thread().name)
        return [(_RENAME, (name, self.account.pk)) for name in names]

    def renamed(self) -> str:
        self.account.refresh_from_db()
        return self.account.name


@pytest.fixture
def renaming() -> Renaming:
    return Renaming(Account.objects.create(name="Before"))


async def warmed(lane: Lane) -> None:
    """The lane's thread has done a round, so what it opens is open."""
    lane.crowd = 100
    await lane.read(Echo().batch, None)
    lane.crowd = 0


@contextmanager
def somebody_writes() -> Iterator[sqlite3.Connection]:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def test_single_write_is_done_on_the_event_loop(renaming: Renaming) -> None:
    async def scene(lane: Lane) -> None:
        await warmed(lane)
        await lane.write(renaming.batch, "After")

    on_a_lane(scene)

    assert renaming.renamed() == "After"
    assert renaming.threads == ["MainThread"]


def test_crowd_goes_together_on_the_thread(renaming: Renaming) -> None:
    async def scene(lane: Lane) -> None:
        await warmed(lane)
        lane.crowd = 3
        await asyncio.gather(*(lane.write(renaming.batch, f"{n}") for n in range(3)))

    on_a_lane(scene)

    assert renaming.threads == ["lane"]


def test_while_somebody_else_writes_the_thread_waits_and_the_loop_goes_on(
    renaming: Renaming,
) -> None:
    async def scene(lane: Lane) -> bool:
        await warmed(lane)
        with somebody_writes() as other:
            writing = lane.write(renaming.batch, "After")
            for _ in range(3):
                await asyncio.sleep(0)
            was_done = writing.done()
            other.execute("ROLLBACK")
            await writing
        return was_done

    assert on_a_lane(scene) is False
    assert renaming.renamed() == "After"
    assert renaming.threads == ["lane"]


def test_write_that_others_never_make_room_for_is_refused_in_time(
    renaming: Renaming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.rounds._LONGEST_WAIT_SECONDS", 0.1)

    async def scene(lane: Lane) -> list[object]:
        await warmed(lane)
        with somebody_writes():
            refused = await ended(lane.write(renaming.batch, "After"))
        return [*refused, await lane.write(renaming.batch, "Later")]

    refused, later = on_a_lane(scene)

    assert isinstance(refused, DatabaseAway)
    assert (later, renaming.renamed()) == ("Later", "Later")


def test_what_fails_on_the_loop_leaves_nothing_and_is_judged_on_the_thread(
    renaming: Renaming,
) -> None:
    def fail(names: Sequence[str], _: Sequence[Answer]) -> Sequence[str]:
        raise ValueError("odd")

    write_and_fail = Batch(renaming.batch.statements, fail)

    async def scene(lane: Lane) -> BaseException | None:
        await warmed(lane)
        (error,) = await asyncio.gather(
            lane.write(write_and_fail, "After"), return_exceptions=True
        )
        return error if isinstance(error, BaseException) else None

    assert type(on_a_lane(scene)).__name__ == "JobFailed"
    assert renaming.renamed() == "Before"
    assert renaming.threads == ["MainThread", "lane"]
