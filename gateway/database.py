"""Blocking database work for the event loop: a few threads, each with one connection that it keeps."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")
_losses = itertools.count(1)
_last_loss = 0
_known = threading.local()


class DatabaseAway(GatewayError):
    """The database did not answer."""

    code = "database_unavailable"


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` on a database thread.

    Raises:
        DatabaseAway: the connection is lost; the next call opens a new one.
    """

    def guarded() -> T:
        with lost_connections_dropped():
            return work(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_threads, guarded)


@contextmanager
def lost_connections_dropped() -> "Iterator[None]":
    """Turn a lost connection into `DatabaseAway`, and forget it, so that the next use connects anew."""
    drop_if_another_was_lost()
    try:
        yield
    except (OperationalError, InterfaceError) as exc:
        drop_lost_connection()
        raise DatabaseAway(
            "The database does not answer. Try again in a few seconds."
        ) from exc


def drop_lost_connection() -> None:
    """Forget this thread's connection, and let the other threads forget theirs: one lost connection is seldom alone."""
    global _last_loss
    _last_loss = _known.loss = next(_losses)
    connection.close()


def a_connection_was_lost() -> None:
    """One that belongs to no thread: let every thread forget its own before it uses it again."""
    global _last_loss
    _last_loss = next(_losses)


def drop_if_another_was_lost() -> None:
    """Forget this thread's connection if it is older than the last loss, so that nobody meets the same loss again."""
    if getattr(_known, "loss", 0) != _last_loss:
        _known.loss = _last_loss
        connection.close()


@contextmanager
def one_snapshot() -> "Iterator[None]":
    """Let every query inside see the database as it is at the first of them. Only for reading, never nested."""
    begin = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        if connection.vendor == "postgresql"
        else "BEGIN DEFERRED"  # `atomic()` would take the write lock
    )
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
