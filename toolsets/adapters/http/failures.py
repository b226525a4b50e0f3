"""What a model is told when an HTTP API answers with another status than success: what happened, and what to do."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import re2

from toolsets.adapters.http.media import MediaType

_MOST_CHARACTERS = 4000
_LONGEST_LOCATION = 200
_UNSEEN = re2.compile(
    r"(?is)<script\b.*?</script\s*>|<style\b.*?</style\s*>|<head\b.*?</head\s*>|<svg\b.*?</svg\s*>|<!--.*?-->"
)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_TELLING = ("message", "error_description", "detail", "error", "title", "errors")


def failure_text(
    status: int, headers: Mapping[str, str], media_type: MediaType, body: bytes
) -> str:
    """One text: the status, what it means for the caller, and the useful part of the body."""
    lines = [f"The upstream answered with HTTP status {_named(status)}."]
    if hint := _hint(status, headers):
        lines.append(hint)
    if said := _useful(media_type, body):
        lines.append(said)
    return "\n".join(lines)


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _hint(status: int, headers: Mapping[str, str]) -> str:
    if status == 401:
        return "It does not accept the tool set's credential; an operator must look at its headers and secrets."
    if status == 403:
        return "It does not let the tool set's credential do this; another tool or other arguments may be allowed."
    if status in {429, 503} and (after := headers.get("Retry-After")):
        return f"Try again later (Retry-After: {_line(after)[:40]})."
    if status in {301, 302, 303, 307, 308}:
        where = _line(headers.get("Location", "")).partition("?")[0].partition("#")[0]
        target = where.rpartition("@")[2][:_LONGEST_LOCATION]
        return f"It redirects to {target or 'nowhere'}; redirects are not followed."
    return ""


def _useful(media_type: MediaType, body: bytes) -> str:
    if media_type.is_json:
        return _shortened(_json_said(media_type.decoded(body)))
    if media_type.name in {"text/html", "application/xhtml+xml"}:
        return _shortened(_html_said(media_type.decoded(body)))
    if media_type.is_text or (media_type.is_unknown and b"\0" not in body):
        return _shortened(media_type.decoded(body).strip())
    return ""


def _json_said(text: str) -> str:
    """A short body whole; of a long one what names the error."""
    if len(text) <= _MOST_CHARACTERS:
        return text.strip()
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.strip()
    return _told(value) or text.strip()


def _told(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    said = {name: value[name] for name in _TELLING if name in value}
    try:
        return orjson.dumps(said).decode() if said else ""
    except TypeError:  # too deep to be written again
        return ""


def _html_said(text: str) -> str:
    title = _TITLE.search(text)
    words = _TAG.sub(" ", _UNSEEN.sub(" ", text)).split()
    return " ".join([*(title[1].split() if title else ()), *words])


def _shortened(text: str) -> str:
    if len(text) <= _MOST_CHARACTERS:
        return text
    return text[:_MOST_CHARACTERS] + " […]"


def _line(text: str) -> str:
    return " ".join(text.split())
