"""How values are written into the body of a request: by its content type and by where they stand in it."""

import re
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape

import orjson

from toolsets.adapters.http.multipart import multipart_body
from toolsets.adapters.http.parts import Output, Part
from toolsets.adapters.http.positions import query_of
from toolsets.adapters.http.requests import RequestRefused

Body = tuple[bytes, str]
"""The bytes, and their content type where it is another than the author's."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_MEDIA_TYPE = re.compile(
    r'([a-z]+/[a-z0-9.+_-]+)\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?', re.IGNORECASE
)
_IN_JSON = re.compile(r'\\.|\\\Z|"', re.DOTALL)
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_QUOTES = {'"': "&quot;", "'": "&apos;"}


def body_of(content_type: str, parts: list[Part]) -> Body:
    """The body that the rendered template makes, none where it renders to nothing.

    Raises:
        RequestRefused: a value cannot be written, or what comes of it is not of the content type.
    """
    if all(isinstance(part, str) and not part.strip() for part in parts):
        return b"", ""
    write = writer_for(content_type)
    if write is None:
        raise RequestRefused(f"Bodies of type {content_type[:80]} cannot be written.")
    body, own_type = write(parts)
    return body, own_type or content_type


def writer_for(content_type: str) -> Callable[[list[Part]], Body] | None:
    """What writes bodies of this type; None where nothing does."""
    found = _MEDIA_TYPE.fullmatch(content_type.strip())
    if found is None:
        return None
    name = found[1].lower()
    if name == JSON or name.endswith("+json"):
        return _json
    if name in {"application/xml", "text/xml"} or name.endswith("+xml"):
        return _xml
    if name.startswith("text/"):
        return _text
    return {FORM: _form, MULTIPART: multipart_body}.get(name)


def _json(parts: list[Part]) -> Body:
    """Within quotes a value is escaped text, outside them a JSON value of its own kind."""
    written, in_string, is_escaping = [], False, False
    for part in parts:
        if isinstance(part, Output):
            if is_escaping:
                raise RequestRefused(
                    "In the tool's body template a backslash stands before a value. Nothing was sent."
                )
            written.append(_escaped(part.as_text) if in_string else part.as_json)
            continue
        written.append(part)
        is_escaping = False
        for found in _IN_JSON.finditer(part):
            in_string ^= found[0] == '"'
            is_escaping = found[0] == "\\"
    return _checked_json("".join(written)), ""


def _escaped(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _checked_json(text: str) -> bytes:
    body = text.encode()
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise RequestRefused(
            f"With these arguments the tool's body is not JSON ({exc.msg}, line {exc.lineno}). Nothing was sent."
        ) from exc
    return body


def _form(parts: list[Part]) -> Body:
    return query_of(parts).encode(), ""


def _xml(parts: list[Part]) -> Body:
    return "".join(_xml_parts(parts)).encode(), ""


def _xml_parts(parts: list[Part]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        text = part.as_text
        if _NOT_IN_XML.search(text):
            raise RequestRefused(
                "A value holds a character that XML cannot. Nothing was sent."
            )
        yield escape(text, _QUOTES)


def _text(parts: list[Part]) -> Body:
    written = (part if isinstance(part, str) else part.as_text for part in parts)
    return "".join(written).encode(), ""
