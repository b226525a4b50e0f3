"""Finds rows by their labels."""

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, QuerySet, TextField


class LabelValue(Func):
    """The value of one label. Django's own key lookup takes a key like "2" for the index of a list."""

    output_field = TextField()

    def __init__(self, key: str) -> None:
        super().__init__(F("labels"))
        self._key = key

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"JSON_EXTRACT({sql}, %s)", (*params, f'$."{self._key}"')

    def as_postgresql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"({sql} ->> %s)", [*params, self._key]


def with_labels(rows: QuerySet[Any], labels: Mapping[str, str]) -> QuerySet[Any]:
    """The rows that have all of these labels."""
    for number, (key, value) in enumerate(labels.items()):
        if '"' in key or "\\" in key:  # no label can be named so
            return rows.none()
        name = f"_label_{number}"
        rows = rows.alias(**{name: LabelValue(key)}).filter(**{name: value})
    return rows
