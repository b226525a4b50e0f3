"""Brings whatever is encrypted in the database under the newest key: in short portions, beside running processes.

A value that is under the newest key is left alone, so it may be interrupted and repeated at will; a value that somebody
replaces meanwhile stays as they left it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F

from gateway.encryption import EncryptedTextField, opened_at_rest, place_of_key

_PORTION = 100
_SHORTEST_PAUSE_SECONDS = 0.005


@dataclass(frozen=True, kw_only=True)
class EncryptedColumn:
    """A field of a model that is encrypted in the database."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    @property
    def rows(self) -> Any:
        """Rows that have a value, with what stands in the database as `sealed`."""
        sealed = ExpressionWrapper(F(self.name), output_field=models.TextField())
        return self.model._base_manager.annotate(sealed=sealed).exclude(sealed=None)


@dataclass(kw_only=True)
class Tally:
    """What was done so far. `unreadable` names rows that no key of the ring opens."""

    total: int = 0
    looked_at: int = 0
    rewritten: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return self.total - self.looked_at


def encrypted_columns() -> list[EncryptedColumn]:
    """Every encrypted field of every model."""
    return [
        EncryptedColumn(model=model, name=one.name)
        for model in apps.get_models()
        for one in model._meta.concrete_fields
        if isinstance(one, EncryptedTextField)
    ]


def reencrypt(*, on_progress: Callable[[Tally], None]) -> Tally:
    """Write every encrypted value under the newest key that is not; told how far it is after each portion."""
    columns = encrypted_columns()
    tally = Tally(total=sum(column.rows.count() for column in columns))
    for column in columns:
        for portion in _portions(column):
            _rewrite(column, portion, tally)
            on_progress(tally)
    return tally


def values_by_key() -> Counter[int | None]:
    """How many encrypted values each key of the ring opens, by its place, 0 being the newest; None: no key does."""
    return Counter(
        place_of_key(sealed)
        for column in encrypted_columns()
        for portion in _portions(column)
        for _, sealed in portion
    )


def _portions(column: EncryptedColumn) -> Iterator[list[tuple[Any, str]]]:
    rows = column.rows.order_by("pk").values_list("pk", "sealed")
    portion = list(rows[:_PORTION])
    while portion:
        yield portion
        portion = list(rows.filter(pk__gt=portion[-1][0])[:_PORTION])


def _rewrite(
    column: EncryptedColumn, portion: list[tuple[Any, str]], tally: Tally
) -> None:
    places = [(pk, sealed, place_of_key(sealed)) for pk, sealed in portion]
    old = [(pk, sealed) for pk, sealed, place in places if place]
    tally.unreadable += [
        f"{column} of {pk}" for pk, _, place in places if place is None
    ]
    tally.looked_at += len(portion)
    if not old:
        return
    began = time.monotonic()
    with transaction.atomic():
        for pk, sealed in old:
            tally.rewritten += column.rows.filter(pk=pk, sealed=sealed).update(
                **{column.name: opened_at_rest(sealed)}
            )
    time.sleep(max(_SHORTEST_PAUSE_SECONDS, time.monotonic() - began))
