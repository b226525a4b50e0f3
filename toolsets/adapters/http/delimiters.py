"""Checks that each `{{` and `{%` of a template is closed, before the engine reads it.

The engine's lexer looks for an end from every beginning anew, which takes minutes where there are many and no end.
"""

import re

from django.core.exceptions import ValidationError

_BEGINNING = re.compile(r"\{[{%]")
_ENDS = {"{{": "}}", "{%": "%}"}
_VERBATIM = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")
_TAG_NAME = re.compile(r"-?\s*(#|\w)")
_MOST_RANGES = 50
_MUCH_SPACE = re.compile(r"\s{200}")


def check_delimiters(source: str) -> None:
    """Raise a ValidationError that names the line of a beginning without an end."""
    at = 0
    while begun := _BEGINNING.search(source, at):
        end = _ENDS[begun[0]]
        closed = source.find(end, begun.end())
        if closed < 0:
            raise _wrong(source, begun.start(), f"expected {end!r}, found the end")
        inside = source[begun.end() : closed]
        if begun[0] == "{%" and not _TAG_NAME.match(inside):
            raise _wrong(source, begun.start(), "a tag has no name")
        if not inside.strip(" \r\n\t-"):
            raise _wrong(source, begun.start(), f"nothing stands before {end!r}")
        if _MUCH_SPACE.search(inside) or inside.count("(") > _MOST_RANGES:
            raise _wrong(source, begun.start(), "too much space, or too many (")
        at = closed + len(end)
        if verbatim := _VERBATIM.fullmatch(source, begun.start(), at):
            at = _after_verbatim(source, verbatim)


def _after_verbatim(source: str, begun: re.Match[str]) -> int:
    ended = re.compile(rf"\{{%-?\s*end{begun[1]}\s*-?%\}}").search(source, begun.end())
    if ended is None:
        raise _wrong(source, begun.start(), f"expected 'end{begun[1]}'")
    return ended.end()


def _wrong(source: str, at: int, reason: str) -> ValidationError:
    return ValidationError(f"Line {source.count(chr(10), 0, at) + 1}: {reason}.")
