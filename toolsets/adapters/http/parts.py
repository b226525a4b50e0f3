"""What a template renders to: text that its author wrote, and values, kept apart until their position is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
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
    """One value that a template puts out; each position has its own way to write it."""

    value: Any

    @property
    def as_text(self) -> str:
        """Text as it is, nothing for what is not there, JSON for everything else.

        Raises:
            RequestRefused: it cannot be written.
        """
        if isinstance(self.value, str):
            return _whole(str(self.value))
        if self.value is None or isinstance(self.value, Undefined):
            return ""
        return self.as_json

    @property
    def as_json(self) -> str:
        """A JSON value, `null` for what is not there. Raises as `as_text`."""
        if isinstance(self.value, JsonText):
            return str(self.value)
        return json_text(self.value)


Part = str | Output
"""Text of the author, or an output."""


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
        self.parts: list[Part] = []
        self._left = most

    def write(self, text: str) -> int:
        """Take text of unknown origin, as tags write it."""
        self.output(text)
        return len(text)

    def output(self, value: Any) -> None:
        """Take a value; one of many parts becomes its JSON at once, so that its size counts."""
        if isinstance(value, Undefined):
            value = None
        elif isinstance(value, list | tuple | Mapping | range):
            value = JsonText(json_text(value))
        self._take(len(value) if isinstance(value, str) else 0)
        self.parts.append(Output(value))

    def literal(self, text: str) -> None:
        """Take text that stands in the template itself."""
        self._take(len(text))
        if self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += text
        else:
            self.parts.append(text)

    def _take(self, size: int) -> None:
        self._left -= size + 1
        if self._left < 0:
            raise OutputStreamLimitError("it renders to too much", token=None)
