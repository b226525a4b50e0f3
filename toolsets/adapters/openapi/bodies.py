"""The request body of an operation: which of its media types is sent, and what is sent of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.openapi.documents import Document

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_PRINTABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,199}")
_WITHOUT_A_BODY = frozenset({"get", "head"})
_ANYTHING = ("*/*", "application/*")
_ORDER = (
    "application/json",
    "application/merge-patch+json",
    "+json",
    *_ANYTHING,
    FORM,
    MULTIPART,
    "text/plain",
)
"""Endings of media types, the one that is liked best first."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """A request body. `kind` says how it is written: json, form, multipart, text or binary."""

    kind: str
    media_type: str
    is_required: bool
    description: str
    schema: Any
    encoding: Mapping[str, Any] = field(default_factory=dict)


def body_of(
    document: Document, method: str, operation: Mapping[str, Any]
) -> Body | None:
    """The body that an operation takes, if it takes one.

    Raises:
        ToolMalformed: it needs one that cannot be sent.
    """
    if operation.get("requestBody") is None:
        return None
    raw = document.object_at(operation["requestBody"], "its requestBody")
    is_required = raw.get("required") is True
    if method in _WITHOUT_A_BODY:
        if is_required:
            raise ToolMalformed(f"it needs a request body, which {method} cannot carry")
        return None
    content = raw.get("content")
    if not isinstance(content, dict) or not content:
        return None
    media_type = min(content, key=_preference)
    described = document.object_at(content[media_type], f"its {media_type[:80]} body")
    schema = described.get("schema", {})
    if not _PRINTABLE.fullmatch(media_type):
        raise ToolMalformed("the media type of its body is none")
    kind = _kind(media_type, document.resolved(schema))
    return Body(
        kind=kind,
        media_type=_concrete(media_type, kind),
        is_required=is_required,
        description=raw["description"]
        if isinstance(raw.get("description"), str)
        else "",
        schema=schema,
        encoding=described["encoding"]
        if isinstance(described.get("encoding"), dict)
        else {},
    )


def bare(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    name = bare(media_type)
    return name in {"application/json", "text/json"} or name.endswith("+json")


def _preference(media_type: str) -> int:
    name = bare(media_type)
    return next((i for i, one in enumerate(_ORDER) if name.endswith(one)), len(_ORDER))


def _kind(media_type: str, schema: Any) -> str:
    name = bare(media_type)
    if name == FORM:
        return "form"
    if name == MULTIPART:
        return "multipart"
    if name.startswith("multipart/"):
        raise ToolMalformed(f"its body is {name[:80]}, which cannot be written")
    if is_json(name) or (name in _ANYTHING and not is_binary(schema)):
        return "json"
    if name.startswith("text/") or name.endswith(("/xml", "+xml", "yaml", "/graphql")):
        return "text"
    return "text" if _is_readable(schema) else "binary"


def is_binary(schema: Any) -> bool:
    """Whether a schema, resolved, stands for bytes, which arguments hold as base64."""
    if not isinstance(schema, Mapping) or schema.get("type", "string") != "string":
        return False
    return schema.get("format") == "binary" or (
        "contentMediaType" in schema and "contentEncoding" not in schema
    )


def _is_readable(schema: Any) -> bool:
    return (
        isinstance(schema, Mapping)
        and schema.get("type") == "string"
        and not is_binary(schema)
    )


def _concrete(media_type: str, kind: str) -> str:
    if "*" not in media_type:
        return media_type
    return {"json": "application/json", "text": "text/plain"}.get(
        kind, "application/octet-stream"
    )
