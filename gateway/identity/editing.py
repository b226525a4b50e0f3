"""Keeps edits that are made at the same time from undoing each other.

An edit reads a row, decides, and writes. Between reading and writing somebody else may write; so the write looks once more
whether what it replaces is still what was read, where nobody can come in between. If it is not, the edit begins anew.

Whoever writes several rows holds first what owns them (a pack for its connectors, a tool set for its secrets), and several
owners in the order of their keys; only then they write. For the first write of what shapes surfaces raises the revision of the
workspace, and from there on everybody else waits, who must not keep anything that is still to be written.
"""

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar, Final, TypeVar

from django.db import OperationalError, connection
from django.db.models import Model

from gateway.errors import Refused

T = TypeVar("T")

_MOST_TRIES: Final = 10
_LONGEST_PAUSE_SECONDS: Final = 0.02
_COLLISIONS: Final = {"40001": "serialization failure", "40P01": "deadlock"}
"""By SQLSTATE, for what PostgreSQL takes back the whole transaction of one, so that the others can go on."""


class ChangedMeanwhile(Refused):
    """Somebody else changed the same thing first."""

    code: ClassVar[str] = "changed_meanwhile"


def hold(seen: Model, names: Iterable[str] = ()) -> None:
    """Within a transaction, before its writes: let nobody else write the row of `seen` until the transaction ends.

    This one read belongs inside, because outside it would prove nothing: PostgreSQL locks the row by it, and on SQLite the
    transaction has been the only writer since it began. It reads one row by its key, so it costs no time worth counting.

    Raises:
        ChangedMeanwhile: one of the fields `names` is no longer as in `seen`, or the row is gone.
    """
    wanted = {seen._meta.pk.name, *names}
    columns = [f.attname for f in seen._meta.concrete_fields if f.name in wanted]
    rows = type(seen)._base_manager.select_for_update(no_key=True).filter(pk=seen.pk)
    now = rows.values(*columns).first()
    if now != {column: getattr(seen, column) for column in columns}:
        raise ChangedMeanwhile(
            f"{seen} was changed by somebody else in the meantime. Read it again and repeat your change."
        )


def settled(edit: Callable[[], T]) -> T:
    """What `edit` gives, which reads a row and then writes it; where somebody else wrote in between, it is made anew.

    Raises:
        ChangedMeanwhile: others were faster every time.
    """
    for tried in range(1, _MOST_TRIES):
        with suppress(ChangedMeanwhile):
            return _unless_collided(edit)
        time.sleep(random.uniform(0, tried * _LONGEST_PAUSE_SECONDS))  # noqa: S311 - parts those who collided
    return _unless_collided(edit)


def _unless_collided(edit: Callable[[], T]) -> T:
    """What `edit` gives. A collision within an outer transaction stays what it is, for that is gone as a whole."""
    try:
        return edit()
    except OperationalError as exc:
        collided = getattr(exc.__cause__, "sqlstate", None) in _COLLISIONS
        if not collided or connection.in_atomic_block:
            raise
        raise ChangedMeanwhile(
            "Somebody else changed the same things at the same moment. Repeat your change."
        ) from exc
