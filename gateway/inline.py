"""SQLite on the event loop: a round of a few jobs in some 50 microseconds, or not at all.

It never waits: while somebody else writes, or when anything goes wrong, nothing is done, and the lane's thread does the
round instead, and judges what fails. A crowd is the thread's too: going together costs it less than going at once.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence

from django.db import connection

from gateway.cursors import QuestionMarks
from gateway.jobs import Job
from gateway.rounds import run_parts

_SETTINGS = ("PRAGMA busy_timeout=0", "PRAGMA wal_autocheckpoint=0")


class Inline:
    """A connection for the event loop alone. What is done goes to `on_done`; `is_crowded` says when to leave it to the thread."""

    is_lost = False

    def __init__(
        self,
        opened: sqlite3.Connection,
        *,
        on_done: Callable[[Sequence[Job]], None],
        is_crowded: Callable[[], bool],
    ) -> None:
        self._connection = opened
        self._cursor = QuestionMarks(opened.cursor())
        self._on_done = on_done
        self._is_crowded = is_crowded
        for setting in _SETTINGS:
            opened.execute(setting)

    def takes(self, jobs: Sequence[Job]) -> bool:
        """Do all of them, or none."""
        if self._is_crowded() or not self._did(jobs):
            return False
        self._on_done(jobs)
        return True

    def _did(self, jobs: Sequence[Job]) -> bool:
        try:
            if not any(job.is_write for job in jobs):
                run_parts(jobs, self._cursor)
                return True
            self._connection.execute("BEGIN IMMEDIATE")
            run_parts(sorted(jobs, key=_writes_first), self._cursor)
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


def checkpoint() -> None:
    """Work off what SQLite wrote ahead, beside whoever reads and writes."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _writes_first(job: Job) -> bool:
    return not job.is_write
