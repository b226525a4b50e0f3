"""Reads the revisions of workspaces, so that every request compares what it remembers with what is true now.

Requests that arrive together share one read, and that read begins after the last of them arrived.
"""

from collections.abc import Awaitable, Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from gateway.cursors import answer, own_cursor
from gateway.jobs import Answer, Batch, Statement
from gateway.lane import Lane

Key = tuple[str, str]
"""A workspace's id, and a subject: a registered user, a tool set, or the empty string for the whole workspace."""

Question = tuple[str, str, tuple[str, ...]]
"""A workspace's id, a registered user's or the empty string, and those of tool sets."""


class Revisions(NamedTuple):
    """The revision that all of a workspace shares, that of one registered user, and those of some tool sets."""

    shared: int
    own: int
    tool_sets: tuple[int, ...] = ()


def read(keys: Iterable[Key]) -> dict[Key, int]:
    """The number of each key; 0 for one that was never raised. Reads the database once."""
    wanted = set(keys)
    if not wanted:
        return {}
    with connection.wrap_database_errors:
        answered = answer(own_cursor(), _question(wanted))
    return _numbers(wanted, answered)


def _question(wanted: set[Key]) -> Statement:
    workspaces = _padded(sorted({workspace for workspace, _ in wanted}))
    subjects = _padded(sorted({subject for _, subject in wanted}))
    query = (
        "SELECT workspace_id, subject, number FROM identity_revision "  # noqa: S608 - only placeholders are added
        f"WHERE workspace_id IN ({_places(workspaces)}) AND subject IN ({_places(subjects)})"
    )
    return query, [*workspaces, *subjects]


def _padded(values: list[str]) -> list[str]:
    """As many values as a power of two, the last one repeated, so that there are few different statements to prepare."""
    missing = (1 << (len(values) - 1).bit_length()) - len(values)
    return values + values[-1:] * missing


def _places(values: list[str]) -> str:
    return ", ".join(["%s"] * len(values))


def _numbers(wanted: set[Key], answered: Answer) -> dict[Key, int]:
    found = {(row[0], row[1]): row[2] for row in answered.rows}
    return {key: found.get(key, 0) for key in wanted}


class RevisionReader:
    """Answers many concurrent questions with few reads, on the process's lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def current(
        self,
        workspace_id: str,
        registered_user_id: str = "",
        tool_sets: tuple[str, ...] = (),
    ) -> Awaitable[Revisions]:
        """The revisions, those of `tool_sets` in their order, as they are in the database at some moment after this call, which asks at once.

        Raises (when awaited):
            DatabaseAway: the database does not answer.
        """
        return self._lane.read(
            _REVISIONS, (workspace_id, registered_user_id, tool_sets)
        )


def _questions(asked: Sequence[Question]) -> list[Statement]:
    return [_question(_keys(asked))]


def _told(asked: Sequence[Question], answers: Sequence[Answer]) -> list[Revisions]:
    numbers = _numbers(_keys(asked), answers[0])
    return [
        Revisions(
            numbers[workspace, ""],
            numbers[workspace, user] if user else 0,
            tuple([numbers[workspace, tool_set] for tool_set in tool_sets]),
        )
        for workspace, user, tool_sets in asked
    ]


def _keys(asked: Sequence[Question]) -> set[Key]:
    keys: set[Key] = set()
    for workspace, user, tool_sets in set(asked):
        keys.update((workspace, subject) for subject in ("", user, *tool_sets))
    return keys


_REVISIONS = Batch(_questions, _told)
