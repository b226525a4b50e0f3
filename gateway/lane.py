"""The small database work of many requests, done together: one lane a process.

What the event loop asks for in one turn is handed over together, and whatever is waiting when a round begins goes in it.
Nobody waits for company: an idle lane takes a single job at once. Rounds run where they cost least: on PostgreSQL over a
connection of the event loop's own (`pipeline`), on SQLite on the event loop itself while it is quiet (`inline`), and
otherwise on a thread with one connection, which also judges whatever fails elsewhere.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg
from django.db import connection

from gateway.cursors import opened_beside
from gateway.database import (
    DatabaseAway,
    drop_if_another_was_lost,
    in_database,
)
from gateway.inline import Inline, checkpoint
from gateway.jobs import AWAY, MOST_TOGETHER, Batch, Job
from gateway.pipeline import Pipeline
from gateway.rounds import run

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

_LARGEST_QUIET_CROWD = 2
_ROUNDS_A_CHECKPOINT = 500
_OFFER_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 5.0


class Lane:
    """The lane of one process. `start` and all that is submitted belong to one event loop.

    `waiting` jobs are not done yet; `crowd` is how many calls are under way, as the calls say themselves.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        self._asked: list[Job] = []
        self._thread = threading.Thread(target=self._work, name="lane", daemon=True)
        self._express: Inline | Pipeline | None = None
        self._loop: asyncio.AbstractEventLoop
        self._checkpoint: asyncio.Task[None] | None = None
        self._wants_express = True
        self._offered_at = 0.0
        self._is_stopped = False
        self._rounds = 0
        self._on_thread = 0
        self._all_done = asyncio.Event()
        self.waiting = 0
        self.crowd = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Do what is waiting, then end the thread and the connections."""
        self._hand_over()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                while self.waiting:
                    self._all_done.clear()
                    await self._all_done.wait()
        self._is_stopped = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, _STOP_SECONDS)
        if self._express is not None:
            self._express.close()

    def write(self, batch: Batch[T, R], item: T) -> "asyncio.Future[R]":
        """Have `batch` write `item`, in one transaction with whatever else is waiting; done means committed.

        The future raises DatabaseAway when the database does not answer, JobFailed when it refuses this item.
        """
        return self._submit(batch, item, is_write=True)

    def read(self, batch: Batch[T, R], item: T) -> "asyncio.Future[R]":
        """Have `batch` read `item` from the database as it is at some moment after this call. Raises as `write`."""
        return self._submit(batch, item, is_write=False)

    def _submit(
        self, batch: Batch[T, R], item: T, *, is_write: bool
    ) -> "asyncio.Future[R]":
        done: asyncio.Future[R] = self._loop.create_future()
        if self._is_stopped:
            done.set_exception(DatabaseAway(AWAY))
            done.exception()  # whoever asked may be gone
            return done
        self.waiting += 1
        if not self._asked:
            self._loop.call_soon(self._hand_over)
        self._asked.append(Job(batch, item, is_write, done))
        return done

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        if not asked:
            return
        if not self._took_express(asked):
            self._give_to_thread(asked)

    def _took_express(self, jobs: Sequence[Job]) -> bool:
        if self._on_thread or self._express is None:  # nothing overtakes the thread
            return False
        return self._express.takes(jobs)

    def _give_to_thread(self, jobs: Sequence[Job]) -> None:
        self._on_thread += len(jobs)
        self._queue.put(jobs)

    # --- on the lane's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._offer_express()
        while jobs := self._next_round():
            run(jobs)
            self._tell(self._came_back, jobs)
            if self._wants_express and not _met_nobody(jobs):
                self._offer_express()
        connection.close()

    def _offer_express(self) -> None:
        """Open a connection for the event loop; where that cannot be, the thread serves on, and tries again."""
        if time.monotonic() < self._offered_at + _OFFER_AGAIN_SECONDS:
            return
        self._offered_at = time.monotonic()
        try:
            drop_if_another_was_lost()
            connection.ensure_connection()  # the stand-in comes first
            opened = opened_beside()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the calls need this thread
            log.warning(
                "no connection for the event loop", extra={"cause": type(exc).__name__}
            )
        else:
            self._wants_express = False
            self._tell(self._adopt, opened)

    def _tell(self, heard: Callable[[Any], None], what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(heard, what)

    def _next_round(self) -> list[Job]:
        jobs: list[Job] = []
        following = self._queue.get()
        with contextlib.suppress(queue.Empty):
            while following is not None:
                jobs += following
                if len(jobs) >= MOST_TOGETHER:
                    return jobs
                following = self._queue.get_nowait()
            if jobs:  # the end comes after them
                self._queue.put(None)
        return jobs

    # --- on the event loop -------------------------------------------------------------------------------------------

    def _adopt(self, opened: Any) -> None:
        if connection.vendor == "sqlite":
            self._express = Inline(
                opened, on_done=self._settle, is_crowded=self._is_crowded
            )
            return
        try:
            self._express = Pipeline(
                opened, on_done=self._settle, on_undone=self._came_undone
            )
        except psycopg.Error:  # it ended on the way here
            self._wants_express = True

    def _is_crowded(self) -> bool:
        return self.crowd > _LARGEST_QUIET_CROWD

    def _came_undone(self, jobs: Sequence[Job]) -> None:
        """The express could not do them, be it for their sake or because its connection is lost."""
        self._wants_express = self._express is None or self._express.is_lost
        if jobs:
            self._give_to_thread(jobs)

    def _came_back(self, jobs: Sequence[Job]) -> None:
        self._on_thread -= len(jobs)
        self._settle(jobs)

    def _settle(self, jobs: Sequence[Job]) -> None:
        self.waiting -= len(jobs)
        if not self.waiting:
            self._all_done.set()
        self._rounds += 1
        if self._rounds % _ROUNDS_A_CHECKPOINT == 0 and connection.vendor == "sqlite":
            self._checkpoint = self._loop.create_task(_checkpoint())
        for job in jobs:
            if job.done.done():
                continue
            if job.error is None:
                job.done.set_result(job.result)
            else:
                job.done.set_exception(job.error)
                job.done.exception()  # whoever asked may be gone


def _met_nobody(jobs: Sequence[Job]) -> bool:
    return any(isinstance(job.error, DatabaseAway) for job in jobs)


async def _checkpoint() -> None:
    """Work off SQLite's log where no call waits for it. What is not worked off now is the next time."""
    with contextlib.suppress(DatabaseAway):
        await in_database(checkpoint)
