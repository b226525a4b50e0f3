"""Writes request bodies: JSON, forms, multipart, text and bytes."""

import base64
import binascii
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolsets.adapters.http.requests import RequestRefused
from toolsets.adapters.openapi.bodies import bare, is_json
from toolsets.adapters.openapi.styles import as_json, encoded, in_query, text_of

_IN_A_NAME = {'"': "%22", "\r": "%0D", "\n": "%0A"}
_HEADER_TEXT = re.compile(r"[\x20-\x7e]{1,200}")
_OCTETS = "application/octet-stream"

Payload = tuple[bytes, str]
"""A body, and its content type."""


def written(body: Mapping[str, Any], arguments: Mapping[str, Any]) -> Payload | None:
    """The body that these arguments make, None for none.

    Raises:
        RequestRefused: it cannot be written as its media type.
    """
    value = _value(body, arguments)
    if value is None:
        return None
    match body["kind"]:
        case "json":
            return as_json(value[0]), body["mediaType"]
        case "form":
            return _form(_members(value[0]), body.get("encoding", {})), body[
                "mediaType"
            ]
        case "multipart":
            return _multipart(_members(value[0]), body.get("encoding", {}))
        case "text":
            return text_of(value[0]).encode(), _with_charset(body["mediaType"])
        case _:
            return _bytes("body", value[0]), body["mediaType"]


def _value(body: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Any] | None:
    if "argument" in body:
        name = body["argument"]
        return (arguments[name],) if name in arguments else None
    given = {name: arguments[name] for name in body["members"] if name in arguments}
    return (given,) if given or body.get("required") else None


def _members(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RequestRefused("The body is sent as a form, so it must be an object.")
    return value


def _with_charset(media_type: str) -> str:
    is_bare_text = media_type.lower().startswith("text/") and ";" not in media_type
    return f"{media_type}; charset=utf-8" if is_bare_text else media_type


def _form(members: Mapping[str, Any], encoding: Mapping[str, Any]) -> bytes:
    pairs = [
        pair
        for name, value in members.items()
        for pair in _form_pairs(name, value, encoding.get(name, {}))
    ]
    return "&".join(pairs).encode()


def _form_pairs(name: str, value: Any, told: Mapping[str, Any]) -> list[str]:
    if told.keys() & {"style", "explode", "allowReserved"}:
        style = told.get("style", "form")
        return in_query(
            name,
            value,
            style=style if style in _STYLES else "form",
            explode=told.get("explode", style == "form"),
            allow_reserved=told.get("allowReserved", False),
        )
    if is_json(told.get("contentType", "")):
        return [f"{encoded(name)}={encoded(as_json(value).decode())}"]
    items = value if _is_list(value) else [value]
    return [
        f"{encoded(name)}={encoded(text_of(item))}"
        for item in items
        if item is not None
    ]


_STYLES = ("form", "spaceDelimited", "pipeDelimited", "deepObject")


def _multipart(members: Mapping[str, Any], encoding: Mapping[str, Any]) -> Payload:
    boundary = f"toolcrib-{secrets.token_hex(16)}"
    parts = [
        part
        for name, value in members.items()
        for part in _parts(name, value, encoding.get(name, {}))
    ]
    pieces = [
        f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    ]
    whole = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return whole, f"multipart/form-data; boundary={boundary}"


def _parts(
    name: str, value: Any, told: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """The head and the content of each part that a member becomes: one for each item of a list."""
    for item in value if _is_list(value) else [value]:
        if item is None:
            continue
        quoted = "".join(_IN_A_NAME.get(character, character) for character in name)
        disposition = f'Content-Disposition: form-data; name="{quoted}"'
        if told.get("binary"):
            kind = _concrete(told.get("contentType", ""), _OCTETS)
            disposition += f'; filename="{quoted}"'
            yield f"{disposition}\r\nContent-Type: {kind}", _bytes(name, item)
        elif isinstance(item, Mapping) or _is_list(item) or "contentType" in told:
            kind = _concrete(told.get("contentType", ""), "application/json")
            content = as_json(item) if is_json(kind) else text_of(item).encode()
            yield f"{disposition}\r\nContent-Type: {kind}", content
        else:
            yield disposition, text_of(item).encode()


def _concrete(media_types: str, otherwise: str) -> str:
    """The first of the media types that an encoding allows, if it names one."""
    first = media_types.partition(",")[0].strip()
    is_one = _HEADER_TEXT.fullmatch(first) and "*" not in first and "/" in bare(first)
    return first if is_one else otherwise


def _bytes(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as exc:
        raise RequestRefused(
            f"The argument {name[:80]!r} must hold its bytes in base64."
        ) from exc


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
