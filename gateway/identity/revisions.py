"""Reads the revisions of workspaces, so that every request compares what it remembers with what is true now.

Requests that arrive together share one read, and that read begins after the last of them arrived.
"""

from collections.abc import Awaitable, Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from gateway.lane import Lane

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
    """Answers many concurrent questions with few reads, on the process's lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def current(
        self, workspace_id: str, registered_user_id: str = ""
    ) -> Awaitable[Revisions]:
        """The revisions as they are in the database at some moment after this call, which asks at once.

        Raises (when awaited):
            DatabaseAway: the database does not answer.
        """
        return self._lane.read(_read_all, (workspace_id, registered_user_id))


def _read_all(asked: Sequence[Key]) -> list[Revisions]:
    numbers = read([*asked, *((workspace, "") for workspace, _ in asked)])
    return [
        Revisions(numbers[workspace, ""], numbers[workspace, user] if user else 0)
        for workspace, user in asked
    ]
