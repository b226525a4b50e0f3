"""Reads query parameters: camelCase or snake_case, repeated or comma-separated."""

import re
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Query:
    """The parameters of one request, by their camelCase names."""

    def __init__(self, given: QueryDict) -> None:
        self._given = given

    def text(self, name: str) -> str:
        """The parameter's last value, or empty."""
        given = self._given.get(name) or self._given.get(snake_case(name)) or ""
        return _printable(name, given)

    def words(self, *names: str) -> list[str]:
        """Every value of the parameter, whichever of its names is used; none is empty."""
        spellings = dict.fromkeys(s for n in names for s in (n, snake_case(n)))
        given = [
            v for s in spellings for k in (s, f"{s}[]") for v in self._given.getlist(k)
        ]
        words = _printable(names[0], ",".join(given)).split(",")
        return [word.strip() for word in words if word.strip()]

    def flag(self, name: str) -> bool | None:
        """True, False, or None when it is not given."""
        match self.text(name).lower():
            case "":
                return None
            case "true" | "1":
                return True
            case "false" | "0":
                return False
        raise ValidationError({name: "Give true or false."})

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number of at least 1; more than `most` counts as `most`."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
            raise ValidationError({name: "Give a whole number of at least 1."})
        return min(int(text), most)

    def choices(self, allowed: Iterable[str], *names: str) -> list[str]:
        """The values given, each one of `allowed`; those that end in _UNSPECIFIED count as not given."""
        given = [w for w in self.words(*names) if not w.endswith("_UNSPECIFIED")]
        possible = list(allowed)
        if set(given) - set(possible):
            raise ValidationError({names[0]: f"Give any of {', '.join(possible)}."})
        return given

    def pairs(self, name: str) -> dict[str, str]:
        """`k=v,k2=v2` as a mapping."""
        split = [word.partition("=") for word in self.words(name)]
        if any(not sign for _, sign, _ in split):
            raise ValidationError({name: "Give pairs like team=platform,tier=gold."})
        return {key.strip(): value.strip() for key, _, value in split}

    def time(self, name: str) -> datetime | None:
        """An ISO 8601 time, UTC unless it says otherwise; a date is its first moment."""
        text = self.text(name).replace(" ", "+")
        if not text:
            return None
        try:
            at = parse_datetime(text)
            if at is None and (day := parse_date(text)):
                at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
        except ValueError:
            at = None
        if at is None:
            raise ValidationError({name: "Give a time like 2026-01-31T12:00:00Z."})
        return at if timezone.is_aware(at) else timezone.make_aware(at)


def _printable(name: str, text: str) -> str:
    """The text, unless it holds a NUL, which no database takes."""
    if "\x00" in text:
        raise ValidationError({name: "Give text without NUL characters."})
    return text


def snake_case(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
