"""Reads the revisions of workspaces, so that every request compares what it remembers with what is true now.

Requests that arrive together share one read, and that read begins after the last of them arrived.
"""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from gateway.database import DatabaseAway, in_database

Key = tuple[str, str]
"""A workspace's id, and a registered user's id or the empty string."""


class Revisions(NamedTuple):
    """The revision that all of a workspace shares, and the one of a single registered user."""

    shared: int
    own: int


def read(keys: Iterable[Key]) -> dict[Key, int]:
    """The number of each key; 0 for one that was never raised. Reads the database once."""
    wanted = set(keys)
    workspaces = sorted({workspace for workspace, _ in wanted})
    subjects = sorted({subject for _, subject in wanted})
    query = (
        "SELECT workspace_id, subject, number FROM identity_revision "  # noqa: S608 - only placeholders are added
        f"WHERE workspace_id IN ({_places(workspaces)}) AND subject IN ({_places(subjects)})"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [*workspaces, *subjects])
        found = {(row[0], row[1]): row[2] for row in cursor.fetchall()}
    return {key: found.get(key, 0) for key in wanted}


def _places(values: list[str]) -> str:
    return ", ".join(["%s"] * len(values))


class RevisionReader:
    """Answers many concurrent questions with few reads. One per event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[asyncio.Future[int]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def current(
        self, workspace_id: str, registered_user_id: str = ""
    ) -> Revisions:
        """The revisions as they are in the database at some moment after this call.

        Raises:
            DatabaseAway: the database does not answer.
        """
        shared = self._ask((workspace_id, ""))
        own = (
            self._ask((workspace_id, registered_user_id))
            if registered_user_id
            else None
        )
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read_all())
        return Revisions(await shared, await own if own else 0)

    def _ask(self, key: Key) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        return future

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                try:
                    numbers = await in_database(read, asked)
                except DatabaseAway as exc:
                    _fail(asked, exc)
                else:
                    _answer(asked, numbers)
        finally:
            self._reading = None


def _answer(
    asked: dict[Key, list[asyncio.Future[int]]], numbers: dict[Key, int]
) -> None:
    for key, futures in asked.items():
        for future in futures:
            if not future.done():
                future.set_result(numbers[key])


def _fail(asked: dict[Key, list[asyncio.Future[int]]], exc: DatabaseAway) -> None:
    for futures in asked.values():
        for future in futures:
            if not future.done():
                future.set_exception(DatabaseAway(exc.message))
                future.exception()  # whoever asked may be gone
