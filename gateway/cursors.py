"""Cursors of the database's own, for the few statements that every call costs.

Django's add some 200 microseconds to a round of three statements, and on PostgreSQL they send every statement to be parsed
and planned anew.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import psycopg
from django.db import connection


class Cursor(Protocol):
    """What a batch needs of a cursor. Placeholders are `%s`, on every database."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement wrote."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement."""

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Any:
        """Run one statement with the values of each row."""

    def fetchall(self) -> list[Any]:
        """The rows that the last statement read."""


class QuestionMarks:
    """A cursor of SQLite's own that takes the placeholders of all databases."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def rowcount(self) -> int:
        count: int = self._inner.rowcount
        return count

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._inner.execute(_with_question_marks(statement), values)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Any:
        return self._inner.executemany(_with_question_marks(statement), rows)

    def fetchall(self) -> list[Any]:
        rows: list[Any] = self._inner.fetchall()
        return rows


@cache
def _with_question_marks(statement: str) -> str:
    return statement.replace("%s", "?")


def own_cursor() -> Cursor:
    """A cursor on this thread's connection, made anew when it was lost.

    What it raises is the database's own error: wrap what uses it in `connection.wrap_database_errors`.
    """
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        return QuestionMarks(connection.connection.cursor())
    return psycopg.Cursor(connection.connection)
