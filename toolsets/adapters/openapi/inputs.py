"""What the arguments of a tool look like: the parameters and the body of an operation as one object.

Parameters are members of their own name; of two with one name, the one in the later place (path, query, header, cookie)
is called `<name>_<place>`. The members of a body stand beside them when the body is a plain object, none of its members
is called like a parameter, and leaving the whole body out stays possible where it is; otherwise it is the member `body`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolsets.adapters.openapi.bodies import Body, is_binary
from toolsets.adapters.openapi.documents import Document
from toolsets.adapters.openapi.parameters import PLACES, Parameter
from toolsets.adapters.openapi.schemas import Schemas

_BUDGET = 160 * 1024
_COMBINED = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "$ref")
_TEXT = {
    "text": {"type": "string"},
    "binary": {"type": "string", "format": "binary"},
}


@dataclass(frozen=True, kw_only=True)
class Input:
    """The input schema of a tool, and how its arguments are sent."""

    schema: dict[str, Any]
    parameters: Sequence[Parameter]
    body: dict[str, Any] | None


def input_of(
    document: Document, schemas: Schemas, parameters: list[Parameter], body: Body | None
) -> Input:
    """Put the parameters and the body together.

    Raises:
        ToolMalformed: their schemas cannot be used.
    """
    made = _Members(schemas)
    named = _named(parameters)
    for parameter in named:
        made.add(
            parameter.argument,
            parameter.schema,
            parameter.description,
            parameter.is_required,
        )
    sent = None if body is None else _add_body(made, document, schemas, body)
    return Input(schema=made.schema(), parameters=named, body=sent)


class _Members:
    """The members of the input as they come together."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.properties: dict[str, Any] = {}
        self.required: list[str] = []
        self.needed: dict[str, None] = {}

    def add(self, name: str, schema: Any, description: str, is_required: bool) -> None:
        converted, needed = self._schemas.converted(schema)
        if description and isinstance(converted, dict):
            converted = {**converted, "description": description}
        self.take(name, converted, needed, is_required)

    def take(
        self, name: str, schema: Any, needed: Sequence[str], is_required: bool
    ) -> None:
        self.properties[name] = schema
        self.needed |= dict.fromkeys(needed)
        if is_required:
            self.required.append(name)

    def free(self, *names: str) -> str:
        return next(
            (name for name in names if name not in self.properties), f"_{names[-1]}"
        )

    def schema(self) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object", "properties": self.properties}
        if self.required:
            made["required"] = self.required
        made["additionalProperties"] = False
        return self._schemas.with_definitions(made, tuple(self.needed), budget=_BUDGET)


def _named(parameters: list[Parameter]) -> list[Parameter]:
    taken: set[str] = set()
    named: dict[int, Parameter] = {}
    by_place = sorted(parameters, key=lambda p: PLACES.index(p.place))
    for parameter in by_place:
        argument = parameter.name
        while argument in taken:
            argument = f"{argument}_{parameter.place}"
        taken.add(argument)
        named[id(parameter)] = replace(parameter, argument=argument)
    return [named[id(parameter)] for parameter in parameters]


def _add_body(
    made: _Members, document: Document, schemas: Schemas, body: Body
) -> dict[str, Any] | None:
    sent: dict[str, Any] = {"kind": body.kind, "mediaType": body.media_type}
    plain = document.resolved(body.schema)
    if body.is_required:
        sent["required"] = True
    elif _holds_nothing(plain):
        return None
    if body.kind in {"form", "multipart"}:
        sent |= _encoding(document, plain, body)
    flat = _flattened(made, schemas, plain, body)
    if flat is not None:
        return sent | {"members": flat}
    name = made.free("body", "request_body")
    schema = _TEXT.get(body.kind, body.schema)
    made.add(name, schema, body.description, body.is_required)
    return sent | {"argument": name}


def _flattened(
    made: _Members, schemas: Schemas, plain: Any, body: Body
) -> list[str] | None:
    """Add the members of the body one by one where the rule allows it, and name them."""
    if body.kind not in {"json", "form", "multipart"} or not _is_plain_object(plain):
        return None
    converted, needed = schemas.converted(plain)
    properties = converted.get("properties") or {}
    required = converted.get("required") or []
    can_be_left_out = body.is_required or not required
    if (
        not properties
        or not can_be_left_out
        or set(required) - set(properties)
        or set(properties) & set(made.properties)
    ):
        return None
    for name, schema in properties.items():
        made.take(name, schema, needed, name in required)
    return list(properties)


def _is_plain_object(schema: Any) -> bool:
    return (
        isinstance(schema, Mapping)
        and schema.get("type", "object") == "object"
        and isinstance(schema.get("properties"), dict)
        and not schema.get("additionalProperties")
        and not schema.get("nullable")
        and not any(name in schema for name in _COMBINED)
    )


def _holds_nothing(schema: Any) -> bool:
    return (
        isinstance(schema, Mapping)
        and schema.get("properties") == {}
        and schema.get("additionalProperties") is False
    )


def _encoding(document: Document, plain: Any, body: Body) -> dict[str, Any]:
    """How the members of a form are written, where that is not what goes without saying."""
    properties = plain.get("properties") if isinstance(plain, Mapping) else None
    told: dict[str, Any] = {}
    for name, schema in (
        (properties or {}).items() if isinstance(properties, dict) else ()
    ):
        given = body.encoding.get(name)
        kept = _kept_encoding(given) if isinstance(given, Mapping) else {}
        if body.kind == "multipart" and _is_file(document, schema):
            kept["binary"] = True
        if kept:
            told[name] = kept
    return {"encoding": told} if told else {}


def _kept_encoding(given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"contentType": str, "style": str, "explode": bool, "allowReserved": bool}
    return {
        name: given[name]
        for name, kind in wanted.items()
        if isinstance(given.get(name), kind)
    }


def _is_file(document: Document, schema: Any) -> bool:
    found = document.resolved(schema)
    if isinstance(found, Mapping) and found.get("type") == "array":
        found = document.resolved(found.get("items"))
    return is_binary(found)
