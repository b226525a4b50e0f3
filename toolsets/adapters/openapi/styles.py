"""Writes parameters in the styles of the OpenAPI specification (which are those of RFC 6570, and three more).

Whatever stands in an argument is encoded; only what a style itself writes (commas, dots, semicolons) is not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from toolsets.adapters.http.requests import RequestRefused

_HARMLESS_RESERVED = "!$'()*,;:@/?"
"""Reserved characters that, left as they are where `allowReserved` asks for it, cannot end a value or a query."""
_DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


def as_json(value: Any) -> bytes:
    """The value as JSON.

    Raises:
        RequestRefused: it cannot be written so.
    """
    try:
        return orjson.dumps(value)
    except TypeError as exc:
        raise RequestRefused(f"An argument cannot be written as JSON: {exc}.") from exc


def text_of(value: Any) -> str:
    """One value as text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else as_json(value).decode()


def encoded(text: str) -> str:
    """Percent-encoded, all but letters, digits and `-._~`."""
    return quote(text, safe="")


def encoded_but_reserved(text: str) -> str:
    """Percent-encoded, without those reserved characters that cannot do harm."""
    return quote(text, safe=_HARMLESS_RESERVED)


def in_path(name: str, value: Any, *, style: str, explode: bool) -> str:
    """What stands for a parameter in the path."""
    pieces = _pieces(value, encoded, explode=explode)
    match style:
        case "label":
            return "." + ("." if explode else ",").join(pieces)
        case "matrix":
            return _matrix(encoded(name), value, pieces, explode=explode)
        case _:
            return ",".join(pieces)


def _matrix(name: str, value: Any, pieces: list[str], *, explode: bool) -> str:
    if explode and isinstance(value, Mapping):
        return "".join(f";{piece}" for piece in pieces)
    if explode and _is_list(value):
        return "".join(f";{name}={piece}" for piece in pieces)
    joined = ",".join(pieces)
    return f";{name}={joined}" if joined else f";{name}"


def in_query(
    name: str, value: Any, *, style: str, explode: bool, allow_reserved: bool = False
) -> list[str]:
    """The pairs that a parameter adds to a query, or to a form. An empty list or object adds none."""
    write = encoded_but_reserved if allow_reserved else encoded
    if style == "deepObject":
        return [
            f"{encoded(path)}={write(text_of(leaf))}"
            for path, leaf in _leaves(name, value)
        ]
    pieces = _pieces(value, write, explode=explode)
    if value is None or (not pieces and not isinstance(value, str)):
        return []
    if explode and isinstance(value, Mapping):
        return pieces
    if explode and _is_list(value):
        return [f"{encoded(name)}={piece}" for piece in pieces]
    return [f"{encoded(name)}={_DELIMITERS[style].join(pieces)}"]


def in_header(value: Any, *, explode: bool) -> str:
    """The value of a header."""
    return ",".join(_pieces(value, str, explode=explode))


def _pieces(value: Any, write: Callable[[str], str], *, explode: bool) -> list[str]:
    """The parts of a value: the items of a list, the keys and values of an object, or itself."""
    if _is_list(value):
        return [write(text_of(item)) for item in value if item is not None]
    if not isinstance(value, Mapping):
        return [write(text_of(value))]
    members = [
        (write(key), write(text_of(held)))
        for key, held in value.items()
        if held is not None
    ]
    if explode:
        return [f"{key}={held}" for key, held in members]
    return [piece for member in members for piece in member]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """`a[b][0]` and what stands there: how nested values are written is no standard, but what most servers read."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield from _leaves(f"{path}[{key}]", held)
    elif _is_list(value):
        for index, held in enumerate(value):
            yield from _leaves(f"{path}[{index}]", held)
    elif value is not None:
        yield path, value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
