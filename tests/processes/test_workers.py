"""Syncs by workers that are killed, that are two, and that are asked twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from celery import Celery

from tests.processes.house import House, Process, wait_until
from tests.processes.upstream import MANY, Workshop

_SYNC_SECONDS = 120.0


def events(house: House, tool_set: str) -> list[tuple[str, str]]:
    rows = house.sql(
        "SELECT type, error_type FROM toolsets_toolsetevent WHERE tool_set_id = %s "
        "ORDER BY created_at, id",
        tool_set,
    )
    return [(kind, error) for kind, error in rows]


def as_if_never_synced(house: House, tool_set: str) -> None:
    """Any worker that a test started before has synced whatever was due."""
    of_set = "(SELECT id FROM toolsets_tool WHERE tool_set_id = %s)"
    house.sql(f"DELETE FROM registry_toolversion WHERE tool_id IN {of_set}", tool_set)  # noqa: S608 - a constant
    house.sql("DELETE FROM toolsets_tool WHERE tool_set_id = %s", tool_set)
    house.sql("DELETE FROM toolsets_toolsetevent WHERE tool_set_id = %s", tool_set)
    house.sql(
        "UPDATE toolsets_syncstate SET due_at = now(), claimed_by = '', claimed_at = NULL WHERE tool_set_id = %s",
        tool_set,
    )


def tools_written(house: House) -> int:
    rows = house.sql(
        "SELECT tools_written FROM toolsets_syncstate WHERE tool_set_id = %s "
        "AND claimed_at IS NOT NULL",
        house.cast.many,
    )
    return int(rows[0][0]) if rows else 0


@contextmanager
def held_up_at(house: House, name: str) -> Iterator[None]:
    """Let nobody write the tool `name` of the large set in the block: somebody else has, and has not committed it."""
    with psycopg.connect(house.environment["DATABASE_URL"]) as other:
        other.execute("SET LOCAL session_replication_role = replica")  # no triggers
        other.execute("CREATE TEMP TABLE copied AS SELECT * FROM toolsets_tool LIMIT 1")
        other.execute(
            "UPDATE copied SET id = 'tool_other', external_id = '', tool_set_id = %s, name = %s",
            [house.cast.many, name],
        )
        other.execute("INSERT INTO toolsets_tool SELECT * FROM copied")
        yield
        other.rollback()


def test_the_sync_of_a_killed_worker_is_taken_over_and_no_tool_is_lost_or_doubled(
    house: House, workshop: Workshop
) -> None:
    as_if_never_synced(house, house.cast.many)
    with held_up_at(house, f"many_{MANY // 2}"):
        first = house.worker()
        wait_until(
            lambda: 0 < tools_written(house) < MANY,
            what="the middle of the sync",
            within=_SYNC_SECONDS,
        )
        first.kill()
    before = dict(
        house.sql(
            "SELECT name, id FROM toolsets_tool WHERE tool_set_id = %s", house.cast.many
        )
    )
    assert 0 < len(before) < MANY

    house.sql(
        "UPDATE toolsets_syncstate SET claimed_at = claimed_at - interval '31 seconds'"
    )
    second = house.worker()
    wait_until(
        lambda: len(events(house, house.cast.many)) == 4,
        what="the sync of the next worker",
        within=_SYNC_SECONDS,
    )

    rows = house.sql(
        "SELECT name, id FROM toolsets_tool WHERE tool_set_id = %s "
        "AND status = 'TOOL_STATUS_AVAILABLE'",
        house.cast.many,
    )
    assert sorted(name for name, _ in rows) == sorted(f"many_{n}" for n in range(MANY))
    assert before.items() <= dict(rows).items()
    assert events(house, house.cast.many) == [
        ("sync_started", ""),
        ("sync_failed", "interrupted"),
        ("sync_started", ""),
        ("sync_completed", ""),
    ]
    second.end()


@pytest.fixture
def queue(session_house: House) -> Iterator[Celery]:
    """Whoever puts work into the workers' queue, such as another beat."""
    with Celery(
        broker=session_house.environment["REDIS_URL"], set_as_current=False
    ) as app:
        yield app


def test_what_is_asked_twice_of_two_workers_runs_once_at_a_time(
    house: House, pair: tuple[Process, Process], queue: Celery, workshop: Workshop
) -> None:
    bench = house.cast.bench
    known = len(events(house, bench))
    workers = [house.worker(), house.worker()]
    url = f"{pair[0].url}/v1/tool_sets/{bench}:sync"
    key = {"authorization": f"Bearer {house.cast.token}"}

    def ask(_: int) -> int:
        return httpx.post(url, headers=key, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(ask, range(8)))
    for _ in range(4):
        queue.send_task("toolsets.sweep_due_syncs")
    wait_until(
        lambda: is_at_rest(house, bench), what="all syncs to end", within=_SYNC_SECONDS
    )

    kinds = [kind for kind, _ in events(house, bench)[known:]]
    assert len(statuses) == 1
    assert statuses.pop() < 300
    assert kinds
    assert kinds == ["sync_started", "sync_completed"] * (len(kinds) // 2)
    assert workshop.most_listings_at_once == 1
    for process in workers:
        process.end()


def is_at_rest(house: House, tool_set: str) -> bool:
    """Whether nobody syncs the set, and nobody waits for it."""
    return bool(
        house.sql(
            "SELECT 1 FROM toolsets_syncstate WHERE tool_set_id = %s "
            "AND claimed_at IS NULL AND due_at > now() + interval '1 minute'",
            tool_set,
        )
    )
