"""A round of small database work: all its writes in one transaction, then all its reads, and what failures mean.

A batch does the work of many items in few statements. It is given a cursor, so that it need not know whose it is.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from gateway.cursors import Cursor, own_cursor
from gateway.database import (
    DatabaseAway,
    drop_if_another_was_lost,
    drop_lost_connection,
)

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

_BEGIN = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN"}
_AWAY = "The database does not answer. Try again in a few seconds."


Batch = Callable[[Cursor, Sequence[T]], Sequence[R]]
"""Does the work of many items in few statements, and gives each item's result in their order."""


class JobFailed(Exception):
    """The database answered, and did not take this job."""


class CommitUnknown(DatabaseAway):
    """The database went away while it committed: the job may be done or not."""


@dataclass(slots=True, eq=False)
class Job:
    """One item for a batch, and what became of it."""

    batch: Batch[Any, Any]
    item: Any
    is_write: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


def run(jobs: Sequence[Job]) -> None:
    """Do all jobs on this thread's connection. Each has a result or an error afterwards."""
    writes = [job for job in jobs if job.is_write]
    reads = [job for job in jobs if not job.is_write]
    if writes:
        _write(writes)
    if reads:
        _attempt(reads, _read)


def run_batches(jobs: Sequence[Job], cursor: Cursor) -> None:
    """Do all jobs, those of a batch together; raises what the first batch that fails raises."""
    kinds: dict[Batch[Any, Any], list[Job]] = {}
    for job in jobs:
        kinds.setdefault(job.batch, []).append(job)
    for batch, alike in kinds.items():
        results = batch(cursor, [job.item for job in alike])
        for job, result in zip(alike, results, strict=True):
            job.result = result


def _write(jobs: Sequence[Job]) -> None:
    """All in one transaction; when the database refuses that, each alone, so that only the culprit fails."""
    _attempt(jobs, _together)
    if len(jobs) > 1 and isinstance(jobs[0].error, JobFailed):
        for job in jobs:
            job.error = None
            _attempt([job], _together)


def _together(jobs: Sequence[Job]) -> None:
    is_committing = False
    try:
        with connection.wrap_database_errors:
            cursor = own_cursor()
            cursor.execute(_BEGIN[connection.vendor])
            run_batches(jobs, cursor)
            is_committing = True
            cursor.execute("COMMIT")
    except (OperationalError, InterfaceError) as exc:
        if is_committing:
            raise CommitUnknown(_AWAY) from exc
        raise
    except BaseException:
        with connection.wrap_database_errors:
            own_cursor().execute("ROLLBACK")
        raise


def _read(jobs: Sequence[Job]) -> None:
    with connection.wrap_database_errors:
        run_batches(jobs, own_cursor())


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
        error = exc if isinstance(exc, CommitUnknown) else DatabaseAway(_AWAY)
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
