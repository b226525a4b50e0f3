"""Multipart bodies: a template `name=value&…`, each field a part of its own behind a boundary that nobody can guess.

A value may end in `;filename=…` and `;type=…`, as the author wrote them.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from toolsets.adapters.http.parts import Output, Part
from toolsets.adapters.http.requests import RequestRefused

_BREAK = re.compile(r"\s*[\r\n]\s*")
_ATTRIBUTES = re.compile(r"((?:;(?:filename|type)=[^;=]*)+)\Z")
_ATTRIBUTE = re.compile(r";(filename|type)=([^;=]*)")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = {"\r": "%0D", "\n": "%0A", '"': "%22"}


@dataclass(kw_only=True, slots=True)
class _Field:
    name: str = ""
    value: bytes = b""
    attributes: dict[str, str] = field(default_factory=dict)


def multipart_body(parts: list[Part]) -> tuple[bytes, str]:
    """The body and its content type.

    Raises:
        RequestRefused: a value cannot be written.
    """
    fields = [
        _field(pieces) for pieces in _split(parts, "&") if _says_something(pieces)
    ]
    boundary = secrets.token_hex(16)
    while any(boundary.encode() in held.value for held in fields):
        boundary = secrets.token_hex(16)
    written = b"".join(_written(held, boundary) for held in fields)
    body = written + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _split(parts: Iterable[Part], mark: str, most: int = -1) -> Iterator[list[Part]]:
    """The parts between the marks that the author wrote; those within values are part of the value."""
    pieces: list[Part] = []
    for part in parts:
        if isinstance(part, Output):
            pieces.append(part)
            continue
        first, *others = _BREAK.sub("", part).split(mark, most)
        pieces.append(first)
        for other in others:
            yield pieces
            pieces = [other]
            most = min(most, 0)
    yield pieces


def _says_something(pieces: list[Part]) -> bool:
    return any(isinstance(piece, Output) or piece for piece in pieces)


def _field(pieces: list[Part]) -> _Field:
    name, *values = _split(pieces, "=", 1)
    value = values[0] if values else []
    made = _Field(name=_text_of(name))
    if (
        value
        and isinstance(last := value[-1], str)
        and (found := _ATTRIBUTES.search(last))
    ):
        made.attributes = dict(_ATTRIBUTE.findall(found[1]))
        value = [*value[:-1], last[: found.start()]]
    made.value = _text_of(value).encode()
    return made


def _text_of(pieces: Iterable[Part]) -> str:
    return "".join(
        piece.as_text if isinstance(piece, Output) else unquote(piece)
        for piece in pieces
    )


def _written(held: _Field, boundary: str) -> bytes:
    disposition = f'form-data; name="{_quoted(held.name)}"'
    if "filename" in held.attributes:
        disposition += f'; filename="{_quoted(unquote(held.attributes["filename"]))}"'
    head = [f"--{boundary}", f"Content-Disposition: {disposition}"]
    if media_type := held.attributes.get("type", "").strip():
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise RequestRefused(f"{media_type[:80]!r} is not a media type.")
        head.append(f"Content-Type: {media_type}")
    return "\r\n".join([*head, "", ""]).encode() + held.value + b"\r\n"


def _quoted(text: str) -> str:
    quoted = "".join(_QUOTED.get(character, character) for character in text)
    if _CONTROL.search(quoted):
        raise RequestRefused(
            "The name of a field holds a control character. Nothing was sent."
        )
    return quoted
