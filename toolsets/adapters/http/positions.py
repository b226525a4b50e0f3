"""How values are written into the address and the headers of a request: by where they stand, whatever they hold."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from toolsets.adapters.http.parts import Output, Part
from toolsets.adapters.http.requests import RequestRefused
from toolsets.header_rules import PLACEHOLDER, checked_header, secret_for

_BREAK = re.compile(r"\s*[\r\n]\s*")
_IN_PATH = "/!$&'()*+,;=:@"
_IN_QUERY = "/!$&'()*+,;=:@?[]"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CLIMBS = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\]|$)")
_LINE = re.compile(r"[\x20-\x7e]{0,8000}")


def path_of(parts: Iterable[Part]) -> str:
    """A path in which each output is within one segment, and no segment is `.`, `..`, or an output that is empty.

    Raises:
        RequestRefused: a value would change the shape of the path.
    """
    segments, has_output = [""], [False]
    for part in parts:
        if isinstance(part, Output):
            segments[-1] += _path_value(part.as_text)
            has_output[-1] = True
            continue
        first, *others = _author_text(part, _IN_PATH).split("/")
        segments[-1] += first
        segments += others
        has_output += [False] * len(others)
    for index, segment in enumerate(segments):
        is_inside = 0 < index < len(segments) - 1
        _check_segment(segment, is_needed=has_output[index] or is_inside)
    return "/".join(segments)


def _path_value(text: str) -> str:
    if _CLIMBS.search(text) and text not in {".", ".."}:
        raise RequestRefused(
            "A value in the path holds '.' or '..' as a part of its own. Nothing was sent."
        )
    if _CONTROL.search(text):
        raise RequestRefused(
            "A value in the path holds a line break or another control character. Nothing was sent."
        )
    return quote(text, safe="")


def _check_segment(segment: str, *, is_needed: bool) -> None:
    if unquote(segment) in {".", ".."}:
        raise RequestRefused(
            "A part of the path would be '.' or '..', which leads elsewhere. Nothing was sent."
        )
    if is_needed and not segment:
        raise RequestRefused(
            "A part of the path would be empty: give the argument that it needs. Nothing was sent."
        )


def query_of(parts: Iterable[Part]) -> str:
    """A query, or a form, in which each output is within one key or one value.

    Raises:
        RequestRefused: a value cannot be written.
    """
    return "".join(
        quote(part.as_text, safe="")
        if isinstance(part, Output)
        else _author_text(part, _IN_QUERY)
        for part in parts
    )


def _author_text(text: str, allowed: str) -> str:
    """What the author wrote, with its own percent-encoding; a line break, and the space around it, is layout."""
    written = _STRAY_PERCENT.sub("%25", _BREAK.sub("", text))
    return quote(written, safe=allowed + "%")


def header_of(name: str, parts: Iterable[Part], secrets: Mapping[str, str]) -> str:
    """A header's value on one line. Only the author's `${NAME}` becomes a secret, never one in an argument.

    Raises:
        RequestRefused: a value does not fit on the line.
        MissingSecret: the secret is not there.
        HeaderRefused: the value may not be sent.
    """
    value = "".join(
        _line(name, part.as_text)
        if isinstance(part, Output)
        else PLACEHOLDER.sub(lambda found: secret_for(name, found[1], secrets), part)
        for part in parts
    )
    return checked_header(name, value)


def _line(name: str, text: str) -> str:
    if not _LINE.fullmatch(text):
        raise RequestRefused(
            f"A value in the header {name} is not one line of at most 8000 printable ASCII characters. Nothing was sent."
        )
    return text
