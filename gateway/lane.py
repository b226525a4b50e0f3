"""One thread with one connection that carries the small database work of many requests together.

What the event loop asks for in one turn is handed over together, and whatever is waiting when the thread looks goes in
one round: all writes in one transaction, then all reads, then one word back. Nobody waits for company: an idle thread
takes a single job at once.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from gateway.database import (
    DatabaseAway,
    drop_if_another_was_lost,
    drop_lost_connection,
)

T = TypeVar("T")
R = TypeVar("R")
Batch = Callable[[Sequence[T]], Sequence[R]]
"""Does the work of many items in few statements, and gives each item's result in their order."""

log = logging.getLogger(__name__)

_MOST_TOGETHER = 512
_AWAY = "The database does not answer. Try again in a few seconds."


class JobFailed(Exception):
    """The database answered, and did not take this job."""


class CommitUnknown(DatabaseAway):
    """The database went away while it committed: the job may be done or not."""


@dataclass(slots=True)
class _Job:
    batch: Batch[Any, Any]
    item: Any
    is_write: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


class Lane:
    """The lane of one process. `start` and all that is submitted belong to one event loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._asked: list[_Job] = []
        self._thread = threading.Thread(target=self._work, name="lane", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self.waiting = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Do what is waiting, then end the thread."""
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, 5.0)

    def write(self, batch: Batch[T, R], item: T) -> "asyncio.Future[R]":
        """Have `batch` write `item`, in one transaction with whatever else is waiting; done means committed.

        The future raises DatabaseAway when the database does not answer, JobFailed when it refuses this item.
        """
        return self._submit(batch, item, is_write=True)

    def read(self, batch: Batch[T, R], item: T) -> "asyncio.Future[R]":
        """Have `batch` read `item` from the database as it is at some moment after this call. Raises as `write`."""
        return self._submit(batch, item, is_write=False)

    def _submit(
        self, batch: Batch[Any, Any], item: Any, *, is_write: bool
    ) -> "asyncio.Future[Any]":
        done: asyncio.Future[Any] = self._loop.create_future()
        self.waiting += 1
        if not self._asked:
            self._loop.call_soon(self._hand_over)
        self._asked.append(_Job(batch, item, is_write, done))
        return done

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        self._queue.put(asked)

    # --- on the lane's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while jobs := self._next_round():
            _run(jobs)
            with contextlib.suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._settle, jobs)
        connection.close()

    def _next_round(self) -> list[_Job]:
        jobs: list[_Job] = []
        following = self._queue.get()
        with contextlib.suppress(queue.Empty):
            while following is not None:
                jobs += following
                if len(jobs) >= _MOST_TOGETHER:
                    return jobs
                following = self._queue.get_nowait()
            if jobs:  # the end comes after them
                self._queue.put(None)
        return jobs

    # --- on the event loop -------------------------------------------------------------------------------------------

    def _settle(self, jobs: Sequence[_Job]) -> None:
        self.waiting -= len(jobs)
        for job in jobs:
            if job.done.done():
                continue
            if job.error is None:
                job.done.set_result(job.result)
            else:
                job.done.set_exception(job.error)
                job.done.exception()  # whoever asked may be gone


def _run(jobs: Sequence[_Job]) -> None:
    writes = [job for job in jobs if job.is_write]
    reads = [job for job in jobs if not job.is_write]
    if writes:
        _write(writes)
    if reads:
        _attempt(reads, _batches)


def _write(jobs: Sequence[_Job]) -> None:
    """All in one transaction; when the database refuses that, each alone, so that only the culprit fails."""
    _attempt(jobs, _together)
    if len(jobs) > 1 and isinstance(jobs[0].error, JobFailed):
        for job in jobs:
            job.error = None
            _attempt([job], _together)


def _together(jobs: Sequence[_Job]) -> None:
    is_committing = False
    try:
        with transaction.atomic():
            _batches(jobs)
            is_committing = True
    except (OperationalError, InterfaceError) as exc:
        if is_committing:
            raise CommitUnknown(_AWAY) from exc
        raise


def _batches(jobs: Sequence[_Job]) -> None:
    kinds: dict[Batch[Any, Any], list[_Job]] = {}
    for job in jobs:
        kinds.setdefault(job.batch, []).append(job)
    for batch, alike in kinds.items():
        results = batch([job.item for job in alike])
        for job, result in zip(alike, results, strict=True):
            job.result = result


def _attempt(jobs: Sequence[_Job], work: Callable[[Sequence[_Job]], None]) -> None:
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
