"""Hides, in what a bundle's plan shows, the headers that hold a secret themselves."""

from collections.abc import Mapping
from typing import Any

from toolsets.confidential import confidential_headers

_HIDDEN = "•••"


def without_values(document: Any) -> Any:
    """The document with such values hidden, for showing what a person typed."""
    if not isinstance(document, Mapping):
        return document
    found = confidential_headers(document)
    return {
        name: {**value, **dict.fromkeys(found, _HIDDEN)}
        if name == "headers" and found
        else without_values(value)
        for name, value in document.items()
    }
