"""Small database work that many callers ask for together: what it is made of, and what can become of it.

A batch is pure: it says which statements do the work of its items, and reads their answers. Who runs them, and where, is
another's concern, so the same work goes over a thread, or over a connection that the event loop owns.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from gateway.database import DatabaseAway

T = TypeVar("T")
R = TypeVar("R")

MOST_TOGETHER = 512
"""How many jobs go in one round at most."""

Statement = tuple[str, Sequence[Any]]
"""One statement with `%s` as its placeholders, on every database, and their values."""


class Answer(NamedTuple):
    """What one statement gave: how many rows it wrote, or the rows that it read."""

    written: int
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Batch(Generic[T, R]):
    """Does the work of many items together.

    `statements` are run in their order; `results` gets one answer for each, and gives each item's result, in the items' order.
    """

    statements: Callable[[Sequence[T]], Sequence[Statement]]
    results: Callable[[Sequence[T], Sequence[Answer]], Sequence[R]]


class JobFailed(Exception):
    """The database answered, and did not take this job."""


AWAY = "The database does not answer. Try again in a few seconds."


class CommitUnknown(DatabaseAway):
    """The database went away while it committed: the job may be done or not, or be done later."""

    def __init__(self) -> None:
        super().__init__(AWAY)


@dataclass(slots=True, eq=False)
class Job:
    """One item for a batch, and what became of it."""

    batch: Batch[Any, Any]
    item: Any
    is_write: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


class Part:
    """The jobs of a round that one batch does together."""

    __slots__ = ("_items", "_jobs", "statements")

    def __init__(self, batch: Batch[Any, Any], jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._items = [job.item for job in jobs]
        self.statements = batch.statements(self._items)

    def settle(self, answers: Sequence[Answer]) -> None:
        """Give each job its result, from what the statements answered."""
        batch = self._jobs[0].batch
        results = batch.results(self._items, answers)
        for job, result in zip(self._jobs, results, strict=True):
            job.result = result

    def fail(self, error: Exception) -> None:
        for job in self._jobs:
            job.error = error


def parts_of(jobs: Sequence[Job]) -> list[Part]:
    """The jobs of each batch together, in the order in which they were asked for."""
    kinds: dict[Batch[Any, Any], list[Job]] = {}
    for job in jobs:
        kinds.setdefault(job.batch, []).append(job)
    return [Part(batch, alike) for batch, alike in kinds.items()]
