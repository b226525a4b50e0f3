"""The filters of lists, declared: camelCase or snake_case, repeated or comma-separated, all of them must hold."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, cast

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import QueryDict

from gateway.rest.operations import Parameter, Schema
from gateway.rest.queries import flag_of, pairs_of, printable, spellings_of, time_of

_WORD: Schema = {"type": "string"}


class _Spellings(forms.Widget):
    """Finds every value of a parameter, under any of its names."""

    def __init__(self, also: Iterable[str]) -> None:
        super().__init__()
        self.also = tuple(also)

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Any, name: str
    ) -> list[str]:
        given = cast(QueryDict, data)
        keys = [k for s in spellings_of(name, *self.also) for k in (s, f"{s}[]")]
        return [value for key in keys for value in given.getlist(key) if value]


class ListParameter(django_filters.Filter):  # type: ignore[misc] # django-filter ships no types
    """A parameter of a list. `read` turns its values, of which none is empty, into what rows are filtered by."""

    schema: Schema = _WORD

    def __init__(
        self, help_text: str, *, also: Iterable[str] = (), **options: Any
    ) -> None:
        super().__init__(required=False, **options)
        self.also, self.help_text = tuple(also), help_text

    @property
    def field(self) -> forms.Field:
        return _Values(self, widget=_Spellings(self.also), required=False)

    def read(self, values: list[str]) -> Any:
        return values[-1]


class _Values(forms.Field):
    def __init__(self, parameter: ListParameter, **options: Any) -> None:
        super().__init__(**options)
        self.parameter = parameter

    def clean(self, value: list[str]) -> Any:
        values = [printable(text) for text in value]
        return self.parameter.read(values) if values else None


class Text(ListParameter):
    """Text to look for; the last value counts."""


class Words(ListParameter):
    """Any of the words."""

    schema: Schema = {"type": "array", "items": _WORD}

    def __init__(self, help_text: str, **options: Any) -> None:
        super().__init__(help_text, **{"lookup_expr": "in", **options})

    def read(self, values: list[str]) -> list[str]:
        words = (word.strip() for word in ",".join(values).split(","))
        return [word for word in words if word]


class Choices(Words):
    """Any of the choices; those that end in _UNSPECIFIED count as not given."""

    def __init__(self, help_text: str, allowed: Iterable[str], **options: Any) -> None:
        super().__init__(help_text, **options)
        self.allowed = list(allowed)

    @property
    def schema(self) -> Schema:  # type: ignore[override]
        return {"type": "array", "items": {"type": "string", "enum": self.allowed}}

    def read(self, values: list[str]) -> list[str]:
        given = [w for w in super().read(values) if not w.endswith("_UNSPECIFIED")]
        if set(given) - set(self.allowed):
            raise ValidationError(f"Give any of {', '.join(self.allowed)}.")
        return given


class Flag(ListParameter):
    """true or false."""

    schema: Schema = {"type": "boolean"}

    def read(self, values: list[str]) -> bool:
        return flag_of(values[-1])


class Time(ListParameter):
    """A moment."""

    schema: Schema = {"type": "string", "examples": ["2026-01-31T12:00:00Z"]}

    def read(self, values: list[str]) -> datetime:
        return time_of(values[-1])


class Pairs(Words):
    """`k=v,k2=v2`, as a mapping."""

    def read(self, values: list[str]) -> dict[str, str]:  # type: ignore[override]
        return pairs_of(super().read(values))


class ListFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    """The filters of one list."""

    base_filters: ClassVar[dict[str, ListParameter]]

    class Meta:
        model: type[Model] | None = None
        fields: ClassVar[list[str]] = []

    @classmethod
    def parameters(cls) -> list[Parameter]:
        return [
            Parameter(
                name=name,
                schema=one.schema,
                description=one.help_text,
                also=one.also,
            )
            for name, one in cls.base_filters.items()
        ]

    @classmethod
    def chosen(cls, rows: QuerySet[Any], given: QueryDict) -> QuerySet[Any]:
        """Those of `rows` that the parameters choose.

        Raises:
            ValidationError: with one entry for each parameter that says nothing sensible.
        """
        asked = cls(given, rows)
        if not asked.is_valid():
            raise ValidationError({n: list(texts) for n, texts in asked.errors.items()})
        chosen: QuerySet[Any] = asked.qs
        return chosen
