"""The configuration of a hand-written tool: judged when it is saved, compiled once, and kept by its text."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from django.core.exceptions import ValidationError

from toolsets.adapters.http.bodies import JSON, writer_for
from toolsets.adapters.http.templates import Template
from toolsets.header_rules import check_header_names, check_placeholders

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LONGEST_NAME = 255
_MOST_KEPT = 500
NOTHING: tuple[Any, ...] = ("", {})
"""Members that count as not given."""

_ODD_SEGMENT = re.compile(r"/(\.|%2e){0,2}/", re.IGNORECASE)
_LINE = re.compile(r"[\x20-\x7e\t]*")

Errors = dict[str, list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpTool:
    """A configuration, its templates parsed. `body` is None where no body is sent."""

    method: str
    path: Template
    query: Template
    headers: Mapping[str, Template]
    body: Template | None
    content_type: str


def check_config(config: Any) -> None:
    """Judge a tool's configuration.

    Raises:
        ValidationError: with one entry per wrong member, named `config.<member>`; templates name the line.
    """
    if not isinstance(config, Mapping):
        raise ValidationError({"config": "The configuration must be an object."})
    errors: Errors = {
        f"config.{member}": ["The http configuration has no such member."]
        for member in config
        if member not in _CHECKS
    }
    for member, check in _CHECKS.items():
        if member in config and config[member] not in NOTHING:
            with _collected(errors, f"config.{member}"):
                check(config[member])
    if errors:
        raise ValidationError(errors)


@contextmanager
def _collected(errors: Errors, name: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as exc:
        errors[name] = exc.messages


def _check_method(method: Any) -> None:
    if method not in METHODS:
        raise ValidationError(f"Give one of {', '.join(METHODS)}.")


def _template(source: Any) -> Template:
    if not isinstance(source, str):
        raise ValidationError("Give a template as text.")
    return Template(source)


def _check_path(source: Any) -> None:
    for text in _template(source).literals:
        if found := re.search(r"[?#\\]", text):
            raise ValidationError(
                f"A path holds no {found[0]}: put what follows a ? into query."
            )
        if _ODD_SEGMENT.search(text):
            raise ValidationError("No part of a path is empty, . or ..")


def _check_query(source: Any) -> None:
    if any("#" in text for text in _template(source).literals):
        raise ValidationError("A query holds no #.")


def _check_headers(headers: Any) -> None:
    if isinstance(headers, Mapping) and any(
        isinstance(name, str) and name.lower() == "content-type" for name in headers
    ):
        raise ValidationError("Give the Content-Type as requestBodyContentType.")
    check_header_names(headers)
    for name, source in headers.items():
        _check_header(name, source)


def _check_header(name: str, source: Any) -> None:
    try:
        template = _template(source)
    except ValidationError as exc:
        raise ValidationError(f"{name}: {' '.join(exc.messages)}") from exc
    for text in template.literals:
        if not _LINE.fullmatch(text):
            raise ValidationError(
                f"The value of header {name} must be one line of printable ASCII."
            )
        check_placeholders(name, text)


def _check_content_type(content_type: Any) -> None:
    if not isinstance(content_type, str) or writer_for(content_type) is None:
        raise ValidationError(
            "Give application/json, application/x-www-form-urlencoded, multipart/form-data, an XML type or text/…, "
            "with no other charset than utf-8."
        )


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        raise ValidationError(f"Give a name of at most {_LONGEST_NAME} characters.")


_CHECKS: dict[str, Callable[[Any], object]] = {
    "requestMethod": _check_method,
    "path": _check_path,
    "query": _check_query,
    "headers": _check_headers,
    "requestBodyContentType": _check_content_type,
    "requestBodyTemplate": _template,
    "toolName": _check_name,
}


@lru_cache(maxsize=_MOST_KEPT)
def compiled(text: str) -> HttpTool:
    """The configuration whose JSON is `text`, which was judged when it was saved.

    Raises:
        ValidationError: it was kept although it is wrong, as an older release might have.
    """
    config: dict[str, Any] = orjson.loads(text or "{}")
    method = config.get("requestMethod") or METHODS[0]
    has_body = method in _WITH_BODY and config.get("requestBodyTemplate")
    return HttpTool(
        method=method,
        path=Template(config.get("path", "")),
        query=Template(config.get("query", "").removeprefix("?")),
        headers={
            name: Template(source) for name, source in config.get("headers", {}).items()
        },
        body=Template(config["requestBodyTemplate"]) if has_body else None,
        content_type=config.get("requestBodyContentType") or JSON,
    )
