"""Connections of threads that are lost while nobody uses them."""

import asyncio
import threading

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from gateway.database import DatabaseAway, in_database

THREADS = 4


def backend(meeting: threading.Barrier) -> int:
    """The server's process behind this thread's connection; all threads are at it at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    meeting.wait(60)
    return int(pid)


async def backends() -> list[int]:
    meeting = threading.Barrier(THREADS)
    return await asyncio.gather(
        *(in_database(backend, meeting) for _ in range(THREADS))
    )


def closed(meeting: threading.Barrier) -> None:
    connection.close()
    meeting.wait(60)


@pytest.mark.skipif(
    not settings.DATABASE_URL, reason="SQLite has no connection to lose"
)
@pytest.mark.django_db(transaction=True)
def test_after_one_thread_lost_its_connection_the_others_connect_anew() -> None:
    async def scene() -> tuple[list[int], list[int]]:
        before = await backends()
        await asyncio.to_thread(end_all, before)
        with pytest.raises(DatabaseAway):
            await in_database(backend, threading.Barrier(1))
        after = await backends()
        meeting = threading.Barrier(THREADS)
        await asyncio.gather(*(in_database(closed, meeting) for _ in range(THREADS)))
        return before, after

    before, after = asyncio.run(scene())

    assert len(set(after)) == THREADS
    assert not set(before) & set(after)


def end_all(pids: list[int]) -> None:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
