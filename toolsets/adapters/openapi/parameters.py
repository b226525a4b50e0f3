"""The parameters of an operation: which there are, what the tool calls them, and how each is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.openapi.documents import Document

PLACES = ("path", "query", "header", "cookie")
_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_MOST = 1000
_SET_ELSEWHERE = frozenset({"accept", "authorization", "content-type"})
"""Header parameters of these names are ignored, as the OpenAPI specification has it."""
_SET_BY_US = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter. `argument` is what the tool calls it; `media_type` is "" unless it is sent as such content."""

    name: str
    place: str
    argument: str = ""
    is_required: bool
    description: str
    schema: Any
    style: str
    explode: bool
    allow_reserved: bool
    media_type: str

    def sent_as(self) -> dict[str, Any]:
        """What sending it takes, as the tool's configuration keeps it: what goes without saying is left out."""
        told: dict[str, Any] = {"name": self.name, "in": self.place}
        if self.argument != self.name:
            told["argument"] = self.argument
        if self.media_type:
            return told | {"mediaType": self.media_type}
        if self.style != _STYLES[self.place][0]:
            told["style"] = self.style
        if self.explode != (self.style == "form"):
            told["explode"] = self.explode
        if self.allow_reserved:
            told["allowReserved"] = True
        return told


def parameters_of(
    document: Document,
    path_item: Mapping[str, Any],
    operation: Mapping[str, Any],
    *,
    headers_set: Iterable[str],
) -> list[Parameter]:
    """The parameters of an operation; those of its path come first, and give way to its own of the same name.

    Header parameters that the tool set's own headers (`headers_set`) answer are left to them.

    Raises:
        ToolMalformed: one of them cannot be sent.
    """
    ours = {name.lower() for name in headers_set}
    found: dict[tuple[str, str], Parameter] = {}
    for owner in (path_item, operation):
        listed = owner.get("parameters") or []
        if not isinstance(listed, list) or len(listed) > _MOST:
            raise ToolMalformed(
                f"its parameters are no list, or more than {_MOST:,} of them"
            )
        for raw in listed:
            parameter = _parameter(document.object_at(raw, "a parameter"))
            if not _is_set_elsewhere(parameter, ours):
                found[parameter.place, parameter.name] = parameter
    return list(found.values())


def _is_set_elsewhere(parameter: Parameter, ours: set[str]) -> bool:
    if parameter.place != "header":
        return False
    name = parameter.name.lower()
    if name in _SET_BY_US and parameter.is_required:
        raise ToolMalformed(f"it needs the header {name}, which cannot be set")
    return name in _SET_ELSEWHERE | _SET_BY_US | ours


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    name, place = raw.get("name"), raw.get("in")
    if not isinstance(name, str) or not name:
        raise ToolMalformed("a parameter has no name")
    if place not in _STYLES:
        raise ToolMalformed(
            f"the parameter {name[:80]!r} is in {str(place)[:40]!r}, which is none of {', '.join(PLACES)}"
        )
    media_type, schema = _content(raw, name)
    style = raw.get("style", _STYLES[place][0])
    if style not in _STYLES[place]:
        raise ToolMalformed(
            f"the parameter {name[:80]!r} has the style {str(style)[:40]!r}, which the {place} does not know"
        )
    return Parameter(
        name=name,
        place=place,
        is_required=place == "path" or raw.get("required") is True,
        description=_text(raw.get("description")),
        schema=schema,
        style=style,
        explode=raw["explode"]
        if isinstance(raw.get("explode"), bool)
        else style == "form",
        allow_reserved=place == "query" and raw.get("allowReserved") is True,
        media_type=media_type,
    )


def _content(raw: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """The media type that a parameter is sent as, if it is, and its schema."""
    content = raw.get("content")
    if content is None:
        return "", raw.get("schema", {})
    if not isinstance(content, dict) or len(content) != 1:
        raise ToolMalformed(
            f"the content of the parameter {name[:80]!r} is not exactly one media type"
        )
    ((media_type, described),) = content.items()
    schema = described.get("schema", {}) if isinstance(described, dict) else {}
    return media_type, schema


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
