"""SQLite on the event loop: a round of a few jobs in some 50 microseconds, or not at all.

It never waits: while somebody else writes, or when anything goes wrong, nothing is done, and the lane's thread does the
round instead, and judges what fails.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from django.db import connection

from gateway.cursors import QuestionMarks
from gateway.rounds import Job, run_batches

_SETTINGS = ("PRAGMA busy_timeout=0", "PRAGMA wal_autocheckpoint=0")


class Inline:
    """A connection for the event loop alone."""

    def __init__(self, opened: sqlite3.Connection) -> None:
        self._connection = opened
        self._cursor = QuestionMarks(opened.cursor())
        for setting in _SETTINGS:
            opened.execute(setting)

    def did(self, jobs: Sequence[Job]) -> bool:
        """Do all of them, or none."""
        try:
            if not any(job.is_write for job in jobs):
                run_batches(jobs, self._cursor)
                return True
            self._connection.execute("BEGIN IMMEDIATE")
            run_batches(sorted(jobs, key=_writes_first), self._cursor)
            self._connection.execute("COMMIT")
        except Exception:  # noqa: BLE001 - whatever it is, the thread meets it again, and says so
            self._undo()
            return False
        return True

    def _undo(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def open_inline() -> Inline | None:
    """A second connection to this thread's database, for the event loop; None where there is a server to wait for."""
    if connection.vendor != "sqlite":
        return None
    wrapper: Any = connection.copy()
    return Inline(wrapper.get_new_connection(wrapper.get_connection_params()))


def checkpoint() -> None:
    """Work off what SQLite wrote ahead, beside whoever reads and writes."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _writes_first(job: Job) -> bool:
    return not job.is_write
