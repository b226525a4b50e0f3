"""The OpenAPI documents that tool sets keep. An adapter holds only the digest of a pasted one, as `sha256:…`.

So a document of many megabytes is in one row, and neither in what every surface reads nor in the audit trail.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from django.core.exceptions import ValidationError

from toolsets.adapters.openapi.documents import MOST_BYTES
from toolsets.models import ApiDocument, ToolSet

_REFERENCE = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An adapter as it is kept, and the document that came with it, compressed: None when none came."""

    adapter: Any
    document: bytes | None = None


def take(adapter: Any, *, current: Mapping[str, Any] | None = None) -> Taken:
    """Take the document out of an adapter that brings one as text or as an object; `current` is the adapter until now.

    Compressing a large one takes longer than a write transaction may. Who opens one of their own takes it before that, and
    gives what was taken to `connecting.connect` or `connecting.change`; taking it there once more costs nothing.

    Raises:
        ValidationError: it is too large, or refers to a document that is not the current one.
    """
    if isinstance(adapter, Taken):
        if adapter.document is None:
            _parted(adapter.adapter, current or {})
        return adapter
    kept, text = _parted(adapter, current or {})
    packed = None if text is None else zlib.compress(text, 6)
    return Taken(adapter=kept, document=packed)


def as_kept(adapter: Any, *, current: Mapping[str, Any] | None = None) -> Any:
    """The adapter as it would be kept: with the digest of its document.

    Raises:
        ValidationError: as `take`.
    """
    return _parted(adapter, current or {})[0]


def _parted(adapter: Any, current: Mapping[str, Any]) -> tuple[Any, bytes | None]:
    """The adapter as it is kept, and the document that came with it."""
    given = adapter.get("document") if isinstance(adapter, Mapping) else None
    if given is None:
        return adapter, None
    if isinstance(given, str) and _REFERENCE.fullmatch(given):
        _check_current(given, current)
        return adapter, None
    text = _text_of(given)
    reference = f"sha256:{sha256(text).hexdigest()}"
    return {**adapter, "document": reference}, text


def _check_current(reference: str, current: Mapping[str, Any]) -> None:
    if current.get("document") != reference:
        raise _wrong(
            "There is no such document here. Give the document itself, as text or as an object."
        )


def _text_of(given: Any) -> bytes:
    if isinstance(given, Mapping):
        text = orjson.dumps(given)
    elif isinstance(given, str) and given.strip():
        text = given.encode(errors="replace")
    else:
        raise _wrong("Give the OpenAPI document, as text or as an object.")
    if len(text) > MOST_BYTES:
        raise _wrong(f"The document is larger than {MOST_BYTES // 1024**2} MiB.")
    return text


def _wrong(said: str) -> ValidationError:
    return ValidationError({"adapter.document": [said]})


def keep(tool_set: ToolSet, taken: Taken) -> None:
    """Keep the document that came with the adapter of `tool_set`, or let go of the one that it had."""
    if taken.document is not None:
        ApiDocument.objects.update_or_create(
            tool_set=tool_set, defaults={"given": taken.document}
        )
    elif "document" not in tool_set.adapter:
        ApiDocument.objects.filter(tool_set=tool_set).exclude(given=b"").update(
            given=b""
        )


def adapter_with_document(tool_set: ToolSet) -> dict[str, Any]:
    """The adapter of `tool_set` with the pasted document itself, as a listing reads it."""
    adapter: dict[str, Any] = tool_set.adapter
    if "document" not in adapter:
        return adapter
    kept = ApiDocument.objects.get(tool_set=tool_set)
    return {**adapter, "document": kept.given_text}


def consume(tool_set: ToolSet, document: bytes) -> None:
    """Keep the document that a sync read, compressed; nothing is written when it is the one that is kept."""
    digest = sha256(document).hexdigest()
    known = ApiDocument.objects.filter(tool_set=tool_set, consumed_digest=digest)
    if not known.exists():
        ApiDocument.objects.update_or_create(
            tool_set=tool_set,
            defaults={"consumed": document, "consumed_digest": digest},
        )


def consumed(tool_set: ToolSet) -> str:
    """The document that the last good sync read, as JSON; "" for none."""
    kept = ApiDocument.objects.filter(tool_set=tool_set).first()
    return kept.consumed_text if kept else ""
