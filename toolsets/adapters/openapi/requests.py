"""Builds the request of an operation from the arguments of a call."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from toolsets.adapters.calling import Target, ToolRequest
from toolsets.adapters.http.requests import (
    OutgoingRequest,
    RequestRefused,
    overridden,
)
from toolsets.adapters.openapi import payloads, styles
from toolsets.adapters.openapi.bodies import is_json
from toolsets.adapters.openapi.servers import origin

_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_LITERAL = "!$&'()*+,;=:@%~"
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parameter:
    """How one argument is sent."""

    name: str
    place: str
    argument: str
    style: str
    explode: bool
    allow_reserved: bool
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recipe:
    """A tool's configuration, read: its path in segments of literals and names in turn."""

    method: str
    server: str
    given: str
    segments: tuple[tuple[str, ...], ...]
    query: str
    accept: str
    parameters: tuple[_Parameter, ...]
    body: Mapping[str, Any] | None


def build(target: Target, request: ToolRequest) -> OutgoingRequest:
    """The request that a call of an OpenAPI tool makes.

    Raises:
        RequestRefused: the arguments make none, or the tool set's headers may not go to the tool's server.
    """
    recipe = _recipe(request.config)
    _check_server(recipe, target)
    sent = _Sent(recipe, request.arguments)
    payload = payloads.written(recipe.body, request.arguments) if recipe.body else None
    body, content_type = payload or (None, "")
    return OutgoingRequest(
        method=recipe.method,
        url=f"{recipe.server}{sent.path()}{sent.query()}",
        headers=overridden(
            sent.headers(target.headers), _without_cookie(target.headers)
        ),
        body=body,
        content_type=content_type,
        is_confirmed=_is_confirmed(recipe, target),
    )


def _check_server(recipe: _Recipe, target: Target) -> None:
    """Headers go nowhere but where the last sync, and the settings as they are now, agree that they go."""
    if recipe.given != target.url:
        raise RequestRefused(
            "The address of this tool set was changed, and its tools are not synced from there yet. Try again in a moment; "
            "if it stays so, its operator should look at the last sync."
        )
    if target.headers and target.url and origin(recipe.server) != origin(target.url):
        raise RequestRefused(
            "This tool's server is not where its document is, so the tool set's headers are not sent there. "
            "Its operator should set baseUrl."
        )


def _is_confirmed(recipe: _Recipe, target: Target) -> bool:
    """Whether an operator named the server, and not only a document that may change."""
    is_named = not target.url or recipe.server == target.url.rstrip("/")
    return is_named or origin(recipe.server) == origin(target.url)


class _Sent:
    """The arguments of one call, at their places."""

    def __init__(self, recipe: _Recipe, arguments: Mapping[str, Any]) -> None:
        self._recipe = recipe
        self._arguments = arguments

    def _given(self, place: str) -> list[tuple[_Parameter, Any]]:
        return [
            (one, self._arguments[one.argument])
            for one in self._recipe.parameters
            if one.place == place and self._arguments.get(one.argument) is not None
        ]

    def path(self) -> str:
        values = {one.name: _in_path(one, value) for one, value in self._given("path")}
        return "/".join(_segment(parts, values) for parts in self._recipe.segments)

    def query(self) -> str:
        pairs = [self._recipe.query] if self._recipe.query else []
        for one, value in self._given("query"):
            pairs += _in_query(one, value)
        return f"?{'&'.join(pairs)}" if pairs else ""

    def headers(self, operators: Mapping[str, str]) -> dict[str, str]:
        sent = {"Accept": self._recipe.accept} if self._recipe.accept else {}
        for one, value in self._given("header"):
            sent[_checked_name(one.name)] = _checked_value(
                one.name, _in_header(one, value)
            )
        cookies = [
            pair
            for one, value in self._given("cookie")
            for pair in _in_query(one, value)
        ]
        theirs = [
            value for name, value in operators.items() if name.lower() == "cookie"
        ]
        if cookies or theirs:
            sent["Cookie"] = "; ".join([*theirs, *cookies])
        return sent


def _without_cookie(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "cookie"}


def _segment(parts: tuple[str, ...], values: Mapping[str, str]) -> str:
    """One segment of the path. A value can neither end it nor make it one that leads elsewhere."""
    if len(parts) == 1:
        return parts[0]
    if missing := [name for name in parts[1::2] if name not in values]:
        raise RequestRefused(f"The path needs a value for {missing[0][:80]!r}.")
    written = "".join(
        values[part] if index % 2 else part for index, part in enumerate(parts)
    )
    if written in {"", ".", ".."}:
        raise RequestRefused(
            f"The value of {parts[1][:80]!r} would lead to another path: it must be neither empty nor '.' nor '..'."
        )
    return written


def _in_path(one: _Parameter, value: Any) -> str:
    if one.media_type:
        return styles.encoded(_content(one, value))
    return styles.in_path(one.name, value, style=one.style, explode=one.explode)


def _in_query(one: _Parameter, value: Any) -> list[str]:
    if one.media_type:
        return [f"{styles.encoded(one.name)}={styles.encoded(_content(one, value))}"]
    return styles.in_query(
        one.name,
        value,
        style=one.style,
        explode=one.explode,
        allow_reserved=one.allow_reserved,
    )


def _in_header(one: _Parameter, value: Any) -> str:
    return (
        _content(one, value)
        if one.media_type
        else styles.in_header(value, explode=one.explode)
    )


def _content(one: _Parameter, value: Any) -> str:
    return (
        styles.as_json(value).decode()
        if is_json(one.media_type)
        else styles.text_of(value)
    )


def _checked_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise RequestRefused(f"{name[:80]!r} is not the name of a header.")
    return name


def _checked_value(name: str, value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise RequestRefused(
            f"The value for the header {name} must be one line of printable ASCII."
        )
    return value.strip()


@functools.lru_cache(maxsize=_MOST_REMEMBERED)
def _recipe(config: str) -> _Recipe:
    told = orjson.loads(config)
    path, _, query = told["path"].partition("#")[0].partition("?")
    return _Recipe(
        method=told["method"],
        server=told["server"],
        given=told["given"],
        segments=tuple(map(_split, _rooted(path).split("/"))),
        query=quote(query, safe=_LITERAL + "/?"),
        accept=told.get("accept", ""),
        parameters=tuple(map(_parameter, told.get("parameters", ()))),
        body=told.get("body"),
    )


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _split(segment: str) -> tuple[str, ...]:
    return tuple(
        part if index % 2 else quote(part, safe=_LITERAL)
        for index, part in enumerate(_PLACEHOLDER.split(segment))
    )


_DEFAULT_STYLES = {
    "path": "simple",
    "query": "form",
    "header": "simple",
    "cookie": "form",
}


def _parameter(told: Mapping[str, Any]) -> _Parameter:
    style = told.get("style", _DEFAULT_STYLES[told["in"]])
    return _Parameter(
        name=told["name"],
        place=told["in"],
        argument=told.get("argument", told["name"]),
        style=style,
        explode=told.get("explode", style == "form"),
        allow_reserved=told.get("allowReserved", False),
        media_type=told.get("mediaType", ""),
    )
