"""Hides, in what a bundle's plan shows, the headers that hold a secret themselves."""

from collections.abc import Mapping
from typing import Any

from toolsets.confidential import is_confidential

_HIDDEN = "•••"


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
        name: _HIDDEN if is_confidential(name, value) else value
        for name, value in headers.items()
    }
