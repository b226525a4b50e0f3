"""JSON in and out, by orjson."""

import re
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

MAX_BODY_BYTES = 2 * 1024 * 1024
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL, as JSON writes it: an odd number of backslashes before its number."""


class JSONRenderer(BaseRenderer):
    """Writes JSON; dates are UTC and end in Z."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, option=orjson.OPT_UTC_Z)


class JSONParser(BaseParser):
    """Reads JSON of a bounded size, which a view may set as `max_body_bytes`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        view = (parser_context or {}).get("view")
        most = getattr(view, "max_body_bytes", MAX_BODY_BYTES)
        body = stream.read(most + 1)
        if len(body) > most:
            raise ParseError(f"The body is larger than {most} bytes.")
        if not body.strip():
            return {}
        if _NUL.search(body):
            raise ParseError(
                "Give text without NUL characters, which no database takes."
            )
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise ParseError(f"The body is not JSON: {exc}.") from exc
