"""A database that goes away while it commits: what was to be written may be there."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from gateway.lane import CommitUnknown, Lane


def write_and_lose_the_connection(jobs: Sequence[None]) -> Sequence[None]:
    """Somebody ends the connection after the last statement, before the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    name = connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, dbname=name, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    return jobs


@pytest.mark.skipif(
    not settings.DATABASE_URL, reason="SQLite has no connection to lose"
)
@pytest.mark.django_db(transaction=True)
def test_a_write_whose_commit_is_cut_off_may_be_done_and_the_next_one_is_done() -> None:
    async def scene() -> list[int | None]:
        lane = Lane()
        lane.start()
        try:
            with pytest.raises(CommitUnknown):
                await lane.write(write_and_lose_the_connection, None)
            return [await lane.write(list, 1)]
        finally:
            await lane.stop()

    assert asyncio.run(scene()) == [1]
