"""Rounds over the event loop's own connection to PostgreSQL: what they carry, and what becomes of them when it breaks."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from gateway.database import DatabaseAway
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
    async with asyncio.timeout(30):
        while True:
            asking = Asking()
            answer: Answer = await lane.read(
                asking.batch, ("SELECT pg_backend_pid()", ())
            )
            if asking.threads == ["MainThread"]:
                return int(answer.rows[0][0])


def end_all_but(own: int) -> None:
    """End what the database serves, except the process `own` and the one that does it."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, dbname=name, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [own],
        )


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


def test_write_that_the_server_refuses_fails_alone_and_costs_no_connection(
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
    assert before == after
    account.refresh_from_db()
    assert account.name == "After"


@pytest.fixture
def table() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    yield "late"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE late")


def test_write_that_is_refused_as_it_is_committed_fails_alone(
    asking: Asking, table: str
) -> None:
    async def scene(lane: Lane) -> list[Any]:
        await connected(lane)
        insert = f"INSERT INTO {table} VALUES (%s)"  # noqa: S608 - a table of the test
        return await ended(*(lane.write(asking.batch, (insert, (n,))) for n in (1, 1)))

    first, refused = on_a_lane(scene)

    assert first.written == 1
    assert isinstance(refused, JobFailed)


def test_statement_whose_table_changed_is_prepared_anew(
    asking: Asking, table: str
) -> None:
    reading = (f"SELECT * FROM {table}", ())  # noqa: S608 - a table of the test

    async def scene(lane: Lane) -> Answer:
        await connected(lane)
        await lane.read(asking.batch, reading)
        await lane.write(asking.batch, (f"ALTER TABLE {table} ADD COLUMN m int", ()))
        await lane.write(asking.batch, (f"INSERT INTO {table} VALUES (1, 2)", ()))  # noqa: S608
        return await lane.read(asking.batch, reading)

    assert on_a_lane(scene).rows == [(1, 2)]


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
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is heard, and not waited for: it comes together with the last words, or after them."""
    monkeypatch.setattr("gateway.pipeline._ANSWER_SECONDS", 600)
    suicide = ("SELECT pg_terminate_backend(pg_backend_pid())", ())

    async def cut_off(lane: Lane) -> tuple[list[Any], Any]:
        lane._offered_at = 0.0
        await connected(lane)
        lost = await ended(
            lane.write(asking.batch, suicide), lane.read(Echo().batch, "a")
        )
        return lost, await lane.write(Echo().batch, "b")

    async def scene(lane: Lane) -> list[tuple[list[Any], Any]]:
        return [await cut_off(lane) for _ in range(50)]

    for (lost, read), after in on_a_lane(scene):
        assert isinstance(lost, CommitUnknown)
        assert (read, after) == ("did a", "did b")


def test_server_that_restarts_while_nobody_calls_costs_no_call(asking: Asking) -> None:
    account = Account.objects.create(name="Before")
    own = connection.connection.info.backend_pid

    async def scene(lane: Lane) -> tuple[Any, int, int]:
        before = await connected(lane)
        await asyncio.to_thread(end_all_but, own)
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
    pid = on_a_lane(connected)

    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    until = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
            if cursor.fetchone() is None:
                return True
    return False


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From now on, whoever connects does so as a role that may have one connection only."""
    role = f"only_one_{os.getpid()}"
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "USER", role)
        yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE {role}")


@pytest.mark.usefixtures("one_connection")
def test_without_a_connection_for_the_event_loop_the_thread_serves(
    asking: Asking,
) -> None:
    async def scene(lane: Lane) -> list[Answer]:
        one = ("SELECT 1", ())
        return [await lane.read(asking.batch, one), await lane.write(asking.batch, one)]

    assert [answer.rows for answer in on_a_lane(scene)] == [[(1,)], [(1,)]]
    assert set(asking.threads) == {"lane"}


def test_stopping_says_of_what_is_not_done_that_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.lane._STOP_SECONDS", 0.2)
    asleep = Batch[None, None](
        lambda items: [("SELECT pg_sleep(10)", ())], lambda items, answers: items
    )

    async def scene(lane: Lane) -> list[Any]:
        await connected(lane)
        jobs: list[asyncio.Future[Any]] = [lane.write(asleep, None)]
        jobs.append(lane.read(Echo().batch, "a"))
        await asyncio.sleep(0)
        jobs.append(lane.write(Echo().batch, "b"))
        await lane.stop()
        return await ended(*jobs)

    sent, read, waiting = on_a_lane(scene)

    assert isinstance(sent, CommitUnknown)
    assert isinstance(read, DatabaseAway)
    assert type(waiting) is DatabaseAway


def test_answers_that_are_not_understood_fail_their_jobs_alone() -> None:
    """Those of a write may stand all the same: they are committed by then."""
    puzzling = Batch[None, None](
        lambda items: [("SELECT 1", ())], lambda items, _: [][1]
    )

    async def scene(lane: Lane) -> list[Any]:
        await connected(lane)
        return await ended(
            lane.read(puzzling, None),
            lane.read(Echo().batch, "a"),
            lane.write(puzzling, None),
        )

    failed, other, unknown = on_a_lane(scene)

    assert isinstance(failed, JobFailed)
    assert isinstance(unknown, CommitUnknown)
    assert other == "did a"
