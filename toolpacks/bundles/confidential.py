"""Which headers would put a secret into a file: those that a credential travels in, unless they name a secret."""

import re
from collections.abc import Mapping
from typing import Any

_CONFIDENTIAL = re.compile(
    "key|token|secret|auth|cookie|session|signature|password", re.IGNORECASE
)
_HIDDEN = "•••"


def headers_with_values(adapter: Mapping[str, Any]) -> list[str]:
    """The names of the headers whose value is, or may be, a secret itself and not the name of one."""
    headers = adapter.get("headers")
    if not isinstance(headers, Mapping):
        return []
    return [name for name, value in headers.items() if _holds_a_value(name, value)]


def without_values(document: Any) -> Any:
    """The document with such values hidden, for showing what a person typed."""
    if isinstance(document, Mapping):
        return {
            name: _hidden(value) if name == "headers" else without_values(value)
            for name, value in document.items()
        }
    return document


def _hidden(headers: Any) -> Any:
    if not isinstance(headers, Mapping):
        return headers
    return {
        name: _HIDDEN if _holds_a_value(name, value) else value
        for name, value in headers.items()
    }


def _holds_a_value(name: str, value: Any) -> bool:
    """Not a secret itself is what names one, or what a call's arguments fill in."""
    is_filled_in = "${" in str(value) or "{{" in str(value)
    return bool(_CONFIDENTIAL.search(name)) and not is_filled_in
