"""Headers whose value is a secret itself: which these are."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
_TELLING = re.compile(
    "key|token|secret|auth|cookie|session|signature|password", re.IGNORECASE
)


def is_telling(name: str) -> bool:
    """Whether a header of this name is one that a credential travels in."""
    return bool(_TELLING.search(name))


def is_confidential(name: str, value: Any) -> bool:
    """Whether a header's value is, or may be, a secret itself: not one that names a secret, or that arguments fill in."""
    is_filled_in = "${" in str(value) or "{{" in str(value)
    return is_telling(name) and not is_filled_in


def confidential_headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """Those headers of an adapter, or of a tool's configuration, whose value is a secret itself."""
    headers = holder.get("headers")
    if not isinstance(headers, Mapping):
        return {}
    return {n: value for n, value in headers.items() if is_confidential(n, value)}
