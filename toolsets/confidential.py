"""Headers whose value is a secret itself: which these are, how they are hidden, and how they stay when they come back hidden."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from toolsets.header_rules import PLACEHOLDER

MASK = "***"
TELLING = "key|token|secret|auth|cookie|session|signature|password"
_TELLING = re.compile(TELLING, re.IGNORECASE)


def is_telling(name: str) -> bool:
    """Whether a header of this name is one that a credential travels in."""
    return bool(_TELLING.search(name))


def is_confidential(name: str, value: Any, *, is_template: bool = False) -> bool:
    """Whether a header's value holds a secret itself: something beside the secrets it names and, in a template, its tags."""
    return is_telling(name) and bool(_literal(str(value), is_template=is_template))


def _literal(value: str, *, is_template: bool) -> list[str]:
    """What a value says by itself: without a scheme, the names of parameters that are filled in, and what only separates."""
    if is_template:
        value = _OUTPUT.sub(_GAP, _TAG.sub("", value))
    rest = _SCHEME.sub("", _FILLED.sub(_GAP, PLACEHOLDER.sub(_GAP, value)).strip(" \t"))
    runs = [run.strip(_SEPARATORS) for run in rest.split(_GAP)]
    return [run for run in runs if run]


_GAP = "\0"
"""Stands for what is filled in; no header holds it."""
_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_FILLED = re.compile(r"[\w.-]+=\"?\0")
_SCHEME = re.compile(r"[A-Za-z-]{2,24}[ \t]+(?=\S)|AWS4-HMAC-SHA256[ \t]+")
_SEPARATORS = " \t;,:=&/|.\"'"
_ADDRESSES = frozenset({"url", "baseUrl", "document"})


def confidential_headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """Those headers of an adapter, or of a tool's configuration, whose value holds a secret itself."""
    headers = holder.get("headers")
    if not isinstance(headers, Mapping):
        return {}
    is_template = _renders(holder)
    return {
        n: value
        for n, value in headers.items()
        if is_confidential(str(n), value, is_template=is_template)
    }


def _renders(holder: Mapping[str, Any]) -> bool:
    """Whether its headers are templates: those of a tool's configuration are; those of an adapter, which has an address, not."""
    return not _ADDRESSES & holder.keys()


def hidden(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The adapter or configuration with MASK in place of such values, whole."""
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
    """Such values, and the parts that an upstream may repeat alone: `abc` of `Bearer abc`, or of `sid=abc; lang=${LANG}`."""
    is_template = _renders(holder)
    for value in confidential_headers(holder).values():
        runs = _literal(value, is_template=is_template)
        parts = [part for run in runs for part in re.split(r"[;,]\s*", run)]
        assigned = [part.partition("=")[2].strip(_SEPARATORS) for part in parts]
        yield from dict.fromkeys(filter(None, [value, *runs, *assigned]))
