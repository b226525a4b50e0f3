"""Rounds over the event loop's own connection to PostgreSQL: what they carry, and what becomes of them when it breaks."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from gateway.identity.models import Account
from gateway.jobs import Answer, Batch, CommitUnknown, JobFailed, Statement
from gateway.lane import Lane
from tests.test_lane_rounds import Echo, ended, on_a_lane

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.DATABASE_URL, reason="SQLite has no server"),
]
_RENAME = "UPDATE identity_account SET name = %s WHERE id = %s"


class Asking:
    """Runs the statements that it is given, and remembers on which threads."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.batch = Batch(self._statements, lambda items, answers: answers)

    def _statements(self, items: Sequence[Statement]) -> Sequence[Statement]:
        self.threads.append(threading.current_thread().name)
        return items


@pytest.fixture
def asking() -> Asking:
    return Asking()


async def connected(lane: Lane) -> int:
    """Wait until the lane's rounds run on the event loop; the server's process behind them."""
    async with asyncio.timeout(10):
        while True:
            asking = Asking()
            answer: Answer = await lane.read(
                asking.batch, ("SELECT pg_backend_pid()", ())
            )
            if asking.threads == ["MainThread"]:
                return int(answer.rows[0][0])


def end(pid: int) -> None:
    name = connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, dbname=name, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def renaming(account: Account, name: str) -> Statement:
    return _RENAME, (name, account.pk)


def test_values_and_rows_keep_their_types(asking: Asking) -> None:
    values = (1, 2.5, None, True, "ä \" ' \\ {}", "x" * 3_000_000)
    asked = "SELECT %s::int, %s::float8, %s::text, %s::bool, %s, %s"

    async def scene(lane: Lane) -> Answer:
        await connected(lane)
        return await lane.read(asking.batch, (asked, values))

    assert on_a_lane(scene).rows == [values]
    assert asking.threads == ["MainThread"]


def test_many_large_writes_pass_through_a_small_socket(asking: Asking) -> None:
    accounts = [Account.objects.create(name=f"{n}") for n in range(300)]
    long = "x" * 200

    async def scene(lane: Lane) -> list[Answer]:
        await connected(lane)
        jobs = [
            lane.write(asking.batch, ("SELECT %s, %s", (account.pk, long * 500)))
            for account in accounts
        ]
        return list(await asyncio.gather(*jobs))

    answers = on_a_lane(scene)

    assert [answer.rows[0][0] for answer in answers] == [a.pk for a in accounts]
    assert asking.threads == ["MainThread"]


def test_write_that_the_server_refuses_fails_alone_and_the_loop_gets_a_new_connection(
    asking: Asking,
) -> None:
    account = Account.objects.create(name="Before")

    async def scene(lane: Lane) -> tuple[list[Any], int, int]:
        before = await connected(lane)
        results = await ended(
            lane.write(asking.batch, renaming(account, "After")),
            lane.write(asking.batch, renaming(account, "too long" * 100)),
            lane.read(Echo().batch, "a"),
        )
        return results, before, await connected(lane)

    (renamed, refused, read), before, after = on_a_lane(scene)

    assert renamed.written == 1
    assert isinstance(refused, JobFailed)
    assert read == "did a"
    assert before != after
    account.refresh_from_db()
    assert account.name == "After"


def test_value_that_cannot_travel_fails_alone(asking: Asking) -> None:
    account = Account.objects.create(name="Before")

    async def scene(lane: Lane) -> list[Any]:
        await connected(lane)
        return await ended(
            lane.write(asking.batch, renaming(account, "nul \0")),
            lane.write(asking.batch, renaming(account, "After")),
        )

    refused, renamed = on_a_lane(scene)

    assert isinstance(refused, JobFailed)
    assert renamed.written == 1


def test_write_whose_commit_is_cut_off_may_be_done_and_the_next_one_is_done(
    asking: Asking,
) -> None:
    suicide = ("SELECT pg_terminate_backend(pg_backend_pid())", ())

    async def scene(lane: Lane) -> tuple[list[Any], Any]:
        await connected(lane)
        lost = await ended(
            lane.write(asking.batch, suicide), lane.read(Echo().batch, "a")
        )
        return lost, await lane.write(Echo().batch, "b")

    (cut_off, read), after = on_a_lane(scene)

    assert isinstance(cut_off, CommitUnknown)
    assert (read, after) == ("did a", "did b")


def test_connection_that_ends_while_idle_costs_no_call(asking: Asking) -> None:
    account = Account.objects.create(name="Before")

    async def scene(lane: Lane) -> tuple[Any, int, int]:
        before = await connected(lane)
        await asyncio.to_thread(end, before)
        written = await lane.write(asking.batch, renaming(account, "After"))
        return written, before, await connected(lane)

    written, before, after = on_a_lane(scene)

    assert written.written == 1
    assert before != after


def test_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline._ANSWER_SECONDS", 0.2)
    asleep = Batch[None, None](
        lambda items: [("SELECT pg_sleep(10)", ())], lambda items, answers: items
    )

    async def scene(lane: Lane) -> tuple[Any, str]:
        await connected(lane)
        (silent,) = await ended(lane.write(asleep, None))
        return silent, await lane.write(Echo().batch, "a")

    silent, after = on_a_lane(scene)

    assert isinstance(silent, CommitUnknown)
    assert after == "did a"


def test_what_is_asked_meanwhile_goes_together_in_the_next_round() -> None:
    echo = Echo()

    async def scene(lane: Lane) -> list[str]:
        await connected(lane)
        first = lane.read(echo.batch, 0)
        await asyncio.sleep(0)
        others = [lane.read(echo.batch, n) for n in (1, 2)]
        await asyncio.sleep(0)
        return list(await asyncio.gather(first, *others))

    assert on_a_lane(scene) == ["did 0", "did 1", "did 2"]
    assert echo.together == [[0], [1, 2]]


def test_closing_ends_the_server_process_of_the_connection() -> None:
    async def scene(lane: Lane) -> int:
        return await connected(lane)

    pid = on_a_lane(scene)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 1)", [pid])
        cursor.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = %s", [pid])
        assert cursor.fetchone() == (0,)


def test_answers_that_are_not_understood_fail_their_jobs_alone() -> None:
    puzzling = Batch[None, None](
        lambda items: [("SELECT 1", ())], lambda items, _: [][1]
    )

    async def scene(lane: Lane) -> list[Any]:
        await connected(lane)
        return await ended(lane.read(puzzling, None), lane.read(Echo().batch, "a"))

    failed, other = on_a_lane(scene)

    assert isinstance(failed, JobFailed)
    assert other == "did a"
