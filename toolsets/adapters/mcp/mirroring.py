"""What the 2026-07-28 revision repeats of a call in HTTP headers: the tool's name, and arguments marked `x-mcp-header`."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch


def header_value(text: str) -> str:
    """`text` as a header may carry it: as it is, or wrapped as `=?base64?…?=`."""
    looks_wrapped = text.startswith("=?base64?") and text.endswith("?=")
    if not text or (_PLAIN(text) and not looks_wrapped):
        return text
    return f"=?base64?{b64encode(text.encode()).decode()}?="


def parameter_headers(
    header_paths: Mapping[tuple[str, ...], str], arguments: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """The `Mcp-Param-*` headers of one call; an argument that is absent or null has none."""
    for path, token in header_paths.items():
        text = _as_text(_value_at(path, arguments))
        if text is not None:
            yield f"Mcp-Param-{token}", header_value(text)


def _value_at(path: tuple[str, ...], arguments: Mapping[str, Any]) -> Any:
    node: Any = arguments
    for name in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(name)
    return node


def _as_text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float():
            return str(value)
        case _:
            return None
