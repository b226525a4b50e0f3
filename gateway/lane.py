"""One thread with one connection that carries the small database work of many requests together.

What the event loop asks for in one turn is handed over together, and whatever is waiting when the thread looks goes in
one round. Nobody waits for company: an idle thread takes a single job at once. On SQLite the work of one or two calls is
done on the event loop itself while nobody else writes: there is no server to wait for, and going to a thread and back
takes longer. In a crowd, going together costs less than going at once.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from typing import TypeVar

from django.db import connection

from gateway.database import DatabaseAway, in_database
from gateway.inline import Inline, checkpoint, open_inline
from gateway.rounds import Batch, Job, run

T = TypeVar("T")
R = TypeVar("R")

_MOST_TOGETHER = 512
_LARGEST_QUIET_CROWD = 2
_ROUNDS_A_CHECKPOINT = 500


class Lane:
    """The lane of one process. `start` and all that is submitted belong to one event loop.

    `waiting` jobs are not done yet; `crowd` is how many calls are under way, as the calls say themselves.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._asked: list[Job] = []
        self._thread = threading.Thread(target=self._work, name="lane", daemon=True)
        self._inline: Inline | None = None
        self._loop: asyncio.AbstractEventLoop
        self._checkpoint: asyncio.Task[None] | None = None
        self._rounds = 0
        self.waiting = 0
        self.crowd = 0

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
        self, batch: Batch[T, R], item: T, *, is_write: bool
    ) -> "asyncio.Future[R]":
        done: asyncio.Future[R] = self._loop.create_future()
        self.waiting += 1
        if not self._asked:
            self._loop.call_soon(self._hand_over)
        self._asked.append(Job(batch, item, is_write, done))
        return done

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        is_quiet = self.crowd <= _LARGEST_QUIET_CROWD and self.waiting == len(asked)
        if is_quiet and self._inline is not None and self._inline.did(asked):
            self._settle(asked)
        else:
            self._queue.put(asked)

    # --- on the lane's thread ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._inline = inline = open_inline()
        while jobs := self._next_round():
            run(jobs)
            with contextlib.suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._settle, jobs)
        if inline is not None:
            inline.close()
        connection.close()

    def _next_round(self) -> list[Job]:
        jobs: list[Job] = []
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

    def _settle(self, jobs: Sequence[Job]) -> None:
        self.waiting -= len(jobs)
        self._rounds += 1
        if self._rounds % _ROUNDS_A_CHECKPOINT == 0 and self._inline is not None:
            self._checkpoint = self._loop.create_task(_checkpoint())
        for job in jobs:
            if job.done.done():
                continue
            if job.error is None:
                job.done.set_result(job.result)
            else:
                job.done.set_exception(job.error)
                job.done.exception()  # whoever asked may be gone


async def _checkpoint() -> None:
    """Work off SQLite's log where no call waits for it. What is not worked off now is the next time."""
    with contextlib.suppress(DatabaseAway):
        await in_database(checkpoint)
