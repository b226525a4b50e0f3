"""What a template renders to: text that its author wrote, and values, kept apart until their position is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from itertools import groupby
from typing import Any

import orjson
from liquid.exceptions import OutputStreamLimitError
from liquid.undefined import Undefined

from toolsets.adapters.http.requests import RequestRefused


class JsonText(str):
    """Text that is a JSON value already: what the `json` filter makes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One value that a template puts out, as `output_of` makes it; each position has its own way to write it."""

    value: str | bool | int | float | None

    @property
    def as_text(self) -> str:
        """Text as it is, nothing for what is not there, JSON for everything else.

        Raises:
            RequestRefused: it cannot be written.
        """
        if isinstance(self.value, str):
            return _whole(str(self.value))
        return "" if self.value is None else self.as_json

    @property
    def as_json(self) -> str:
        """A JSON value, `null` for what is not there. Raises as `as_text`."""
        if isinstance(self.value, JsonText):
            return str(self.value)
        return json_text(self.value)


Part = str | Output
"""Text of the author, or an output."""


def output_of(value: Any) -> Output:
    """The output of any value that a template has; one of many parts is its JSON from here on, so that its size counts.

    Raises:
        RequestRefused: it cannot be written.
    """
    match value:
        case Undefined():
            return Output(None)
        case list() | tuple() | Mapping() | range():
            return Output(JsonText(json_text(value)))
        case None | str() | bool() | int() | float():
            return Output(value)
        case Decimal():
            return Output(float(value))
    return Output(str(value))


def json_text(value: Any) -> str:
    """The value as compact JSON.

    Raises:
        RequestRefused: it cannot be written.
    """
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError as exc:
        raise RequestRefused(
            "An argument cannot be written as JSON: it is nested too deeply, holds a number beyond 64 bits "
            "or what is not a character. Nothing was sent."
        ) from exc


def _plain(value: Any) -> Any:
    """What filters and loops give, as JSON has it."""
    if isinstance(value, Undefined):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, range):
        return list(value)
    return str(value)


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise RequestRefused(
            "An argument holds half of a character (a lone surrogate). Nothing was sent."
        ) from exc
    return text


class Parts(StringIO):
    """Where a template is rendered to. Whatever is not marked as the author's text counts as a value."""

    def __init__(self, *, most: int) -> None:
        super().__init__()
        self._parts: list[Part] = []
        self._left = most

    def write(self, text: str) -> int:
        """Take text of unknown origin, as tags write it."""
        self.output(text)
        return len(text)

    def output(self, value: Any) -> None:
        """Take a value."""
        made = output_of(value)
        self._take(made, len(made.value) if isinstance(made.value, str) else 0)

    def literal(self, text: str) -> None:
        """Take text that stands in the template itself."""
        self._take(text, len(text))

    def _take(self, part: Part, size: int) -> None:
        self._left -= size + 1
        if self._left < 0:
            raise OutputStreamLimitError("it renders to too much", token=None)
        self._parts.append(part)

    @property
    def joined(self) -> list[Part]:
        """The parts in their order, with no two of the author's side by side."""
        joined: list[Part] = []
        for kind, alike in groupby(self._parts, type):
            parts = list(alike)
            joined += ["".join(map(str, parts))] if kind is str else parts
        return joined
