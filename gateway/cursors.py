"""Cursors of the database's own, for the few statements that every call costs.

Django's add some 200 microseconds to a round of three statements, and on PostgreSQL they send every statement to be parsed
and planned anew.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import psycopg
from django.db import connection

from gateway.jobs import Answer, Statement


class Cursor(Protocol):
    """What a round needs of a cursor. Placeholders are `%s`, on every database."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement wrote."""

    @property
    def description(self) -> Any:
        """None when the last statement reads no rows."""

    def execute(self, statement: Any, values: Sequence[Any] = ()) -> Any:
        """Run one statement."""

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

    @property
    def description(self) -> Any:
        return self._inner.description

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._inner.execute(_with_question_marks(statement), values)

    def fetchall(self) -> list[Any]:
        rows: list[Any] = self._inner.fetchall()
        return rows


@cache
def _with_question_marks(statement: str) -> str:
    return statement.replace("%s", "?")


def answer(cursor: Cursor, statement: Statement) -> Answer:
    """Run one statement, and take what it gives."""
    cursor.execute(*statement)
    return Answer(
        cursor.rowcount, cursor.fetchall() if cursor.description is not None else ()
    )


def own_cursor() -> Cursor:
    """A cursor on this thread's connection, made anew when it was lost.

    What it raises is the database's own error: wrap what uses it in `connection.wrap_database_errors`.
    """
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        return QuestionMarks(connection.connection.cursor())
    return psycopg.Cursor(connection.connection)


def opened_beside() -> Any:
    """A second connection to this thread's database, the database's own, for whoever it is given to.

    Raises:
        DatabaseError: it cannot be opened.
    """
    wrapper: Any = connection.copy()
    with connection.wrap_database_errors:
        if connection.vendor == "sqlite":
            return wrapper.get_new_connection(wrapper.get_connection_params())
        wrapper.connect()
        return wrapper.connection
