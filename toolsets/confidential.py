"""Headers whose value is a secret itself: which these are, how they are hidden, and how they stay when they come back hidden."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

MASK = "***"
TELLING = "key|token|secret|auth|cookie|session|signature|password"
_TELLING = re.compile(TELLING, re.IGNORECASE)


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


def hidden(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The adapter or configuration with MASK in place of such values."""
    found = confidential_headers(holder)
    if not found:
        return dict(holder)
    return {**holder, "headers": {**holder["headers"], **dict.fromkeys(found, MASK)}}


def kept_headers(given: Any) -> list[str]:
    """The headers of what was given in which MASK stands for the value that is kept."""
    headers = given.get("headers") if isinstance(given, Mapping) else None
    if not isinstance(headers, Mapping):
        return []
    return [n for n, v in headers.items() if v == MASK and is_telling(str(n))]


def restored(given: Any, kept: Mapping[str, Any], *, at: str) -> Any:
    """What was given, with the value that is kept in place of each MASK: who may not read one need not type it again.

    Raises:
        ValidationError: there is no such value; the entry is named `at`.
    """
    masked = kept_headers(given)
    if not masked:
        return given
    headers = given["headers"]
    held = {name.lower(): value for name, value in (kept.get("headers") or {}).items()}
    if missing := [name for name in masked if name.lower() not in held]:
        raise ValidationError({at: [_NOTHING_KEPT.format(missing[0][:80])]})
    return {**given, "headers": {**headers, **{n: held[n.lower()] for n in masked}}}


_NOTHING_KEPT = (
    f"{MASK} stands for a value that is kept, and none is kept for the header {{}}. "
    "Store the value as a secret, and write ${{ITS_NAME}} here."
)


def secrets_in(holder: Mapping[str, Any]) -> Iterator[str]:
    """Such values, and what follows the scheme in those that have one (`Bearer abc`)."""
    for value in confidential_headers(holder).values():
        yield value
        yield value.rpartition(" ")[2]
