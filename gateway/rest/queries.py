"""Reads the values of query parameters, under their names in camelCase or snake_case."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Query:
    """The parameters of one request that are not filters, by their camelCase names."""

    def __init__(self, given: QueryDict) -> None:
        self._given = given

    def text(self, name: str) -> str:
        """The parameter's last value, or empty."""
        given = self._given.get(name) or self._given.get(snake_case(name)) or ""
        with _named(name):
            return printable(given)

    def flag(self, name: str) -> bool | None:
        """True, False, or None when it is not given."""
        text = self.text(name)
        with _named(name):
            return flag_of(text) if text else None

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number of at least 1; more than `most` counts as `most`."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
            raise ValidationError({name: "Give a whole number of at least 1."})
        return min(int(text), most)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which parameter an error is about."""
    try:
        yield
    except ValidationError as exc:
        raise ValidationError({name: exc.messages}) from exc


def printable(text: str) -> str:
    """The text, unless it holds a NUL, which no database takes."""
    if "\x00" in text:
        raise ValidationError("Give text without NUL characters.")
    return text


def flag_of(text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise ValidationError("Give true or false.")


def pairs_of(words: Iterable[str]) -> dict[str, str]:
    """`k=v` and `k2=v2` as a mapping."""
    split = [word.partition("=") for word in words]
    if any(not sign for _, sign, _ in split):
        raise ValidationError("Give pairs like team=platform,tier=gold.")
    return {key.strip(): value.strip() for key, _, value in split}


def time_of(text: str) -> datetime:
    """An ISO 8601 time, UTC unless it says otherwise; a date is its first moment."""
    text = text.replace(" ", "+")
    try:
        at = parse_datetime(text)
        if at is None and (day := parse_date(text)):
            at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
    except ValueError:
        at = None
    if at is None:
        raise ValidationError("Give a time like 2026-01-31T12:00:00Z.")
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def spellings_of(*names: str) -> list[str]:
    """The names as they are, and in snake_case; each once."""
    return list(dict.fromkeys(s for n in names for s in (n, snake_case(n))))


def snake_case(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
