"""A round of small database work on a thread: all its writes in one transaction, then all its reads, and what failures mean."""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from gateway.cursors import Cursor, answer, own_cursor
from gateway.database import (
    DatabaseAway,
    drop_if_another_was_lost,
    drop_lost_connection,
)
from gateway.jobs import AWAY, CommitUnknown, Job, JobFailed, parts_of

log = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS = 20.0
_GLANCE_SECONDS = 0.001


def run(jobs: Sequence[Job]) -> None:
    """Do all jobs on this thread's connection. Each has a result or an error afterwards."""
    writes = [job for job in jobs if job.is_write]
    reads = [job for job in jobs if not job.is_write]
    if writes:
        _write(writes)
    if reads:
        _attempt(reads, _read)


def run_parts(jobs: Sequence[Job], cursor: Cursor) -> None:
    """Do all jobs, those of a batch together; raises what the first batch that fails raises."""
    for part in parts_of(jobs):
        part.settle([answer(cursor, statement) for statement in part.statements])


def _write(jobs: Sequence[Job]) -> None:
    """All in one transaction; when the database refuses that, each alone, so that only the culprit fails."""
    _attempt(jobs, _together)
    if len(jobs) > 1 and isinstance(jobs[0].error, JobFailed):
        for job in jobs:
            job.error = None
            _attempt([job], _together)


def _together(jobs: Sequence[Job]) -> None:
    with connection.wrap_database_errors:
        cursor = own_cursor()
        _begin(cursor)
        try:
            run_parts(jobs, cursor)
        except BaseException:
            _roll_back(cursor)
            raise
    try:
        with connection.wrap_database_errors:
            cursor.execute("COMMIT")
    except (OperationalError, InterfaceError) as exc:
        _roll_back(cursor)
        raise CommitUnknown from exc


def _roll_back(cursor: Cursor) -> None:
    with contextlib.suppress(Exception):  # the connection may be gone
        cursor.execute("ROLLBACK")


def _begin(cursor: Cursor) -> None:
    """Begin to write. While somebody else writes to SQLite, look every millisecond whether they are done.

    Left to itself, SQLite looks ever more seldom, up to ten times a second, and misses the pauses that others make for us.
    """
    if connection.vendor != "sqlite":
        cursor.execute("BEGIN")
        return
    _wait_by_itself(cursor, seconds=0)
    until = time.monotonic() + _LONGEST_WAIT_SECONDS
    try:
        while not _began(cursor, is_last=time.monotonic() > until):
            time.sleep(_GLANCE_SECONDS)
    finally:
        _wait_by_itself(cursor, seconds=_LONGEST_WAIT_SECONDS)


def _wait_by_itself(cursor: Cursor, *, seconds: float) -> None:
    cursor.execute(f"PRAGMA busy_timeout={seconds * 1000:.0f}")
    cursor.fetchall()  # a statement that is not read to its end keeps a closed connection's locks


def _began(cursor: Cursor, *, is_last: bool) -> bool:
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or is_last:
            raise
        return False
    return True


def _read(jobs: Sequence[Job]) -> None:
    with connection.wrap_database_errors:
        run_parts(jobs, own_cursor())


def _attempt(jobs: Sequence[Job], work: Callable[[Sequence[Job]], None]) -> None:
    error: Exception
    drop_if_another_was_lost()
    try:
        work(jobs)
    except (OperationalError, InterfaceError, CommitUnknown) as exc:
        drop_lost_connection()
        log.warning(
            "database work not done",
            extra={"jobs": len(jobs), "cause": type(exc).__name__},
        )
        error = exc if isinstance(exc, CommitUnknown) else DatabaseAway(AWAY)
    except DatabaseError as exc:
        log.warning(
            "database work refused",
            extra={"jobs": len(jobs), "cause": type(exc).__name__},
        )
        error = JobFailed(type(exc).__name__)
    except Exception as exc:
        log.exception("database work failed inside the gateway")
        error = JobFailed(type(exc).__name__)
    else:
        return
    for job in jobs:
        job.error = error
