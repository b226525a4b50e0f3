"""Turns one schema of an OpenAPI document into JSON Schema 2020-12: 3.0's dialect, and what documents get wrong."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import jsonschema_rs
import orjson

from toolsets.adapters.definitions import ToolMalformed

_DEEPEST = 48
_TYPES = frozenset(
    {"string", "number", "integer", "boolean", "array", "object", "null"}
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SCHEMAS = frozenset(
    {
        "items",
        "additionalProperties",
        "not",
        "contains",
        "propertyNames",
        "if",
        "then",
        "else",
        "unevaluatedItems",
        "unevaluatedProperties",
        "contentSchema",
    }
)
_NUMBERS = frozenset({"minimum", "maximum"})
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_COUNTS = frozenset(
    {
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minContains",
        "maxContains",
    }
)
_TEXTS = frozenset(
    {"title", "description", "format", "contentEncoding", "contentMediaType"}
)
_FLAGS = frozenset({"readOnly", "writeOnly", "deprecated", "uniqueItems"})


class Direction(Enum):
    """Whether a schema describes what is sent or what comes back; the value is the flag of members it leaves out."""

    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How the schemas of one document are read, in one direction. `on_ref` gives what a `$ref` becomes.

    `is_left_out` tells of a property, resolved where it is a reference, whether it has no place in this direction.
    """

    is_3_0: bool
    on_ref: Callable[[Any], dict[str, Any]]
    is_left_out: Callable[[Any], bool]

    def converted(self, schema: Any, depth: int = 0) -> Any:
        """The schema in JSON Schema 2020-12.

        Raises:
            ToolMalformed: it is nested too deep, or refers to what cannot be had.
        """
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            return {}
        if depth > _DEEPEST:
            raise ToolMalformed(f"its schemas are nested deeper than {_DEEPEST} levels")
        if "$ref" in schema:
            return self._reference(schema, depth)
        return self._plain(schema, depth)

    def _reference(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """In 3.0 what stands beside a `$ref` is ignored, but for the two members that everybody writes there."""
        target = self.on_ref(schema["$ref"])
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        if self.is_3_0:
            nullable = beside.get("nullable") is True
            beside = {k: v for k, v in beside.items() if k == "description"}
            if nullable:
                return {"anyOf": [target, {"type": "null"}], **self._plain(beside, 0)}
        return {**target, **self._plain(beside, depth)}

    def _plain(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in schema.items():
            if name in _LISTS:
                if isinstance(value, list) and value:
                    made[name] = [self.converted(one, depth + 1) for one in value]
            elif name in _MAPS:
                if isinstance(value, dict):
                    made[name] = self._members(name, value, depth)
            elif name in _SCHEMAS:
                if isinstance(value, dict | bool):
                    made[name] = self.converted(value, depth + 1)
            elif name in _KEPT and _KEPT[name](value):
                made[name] = value
        self._mend(schema, made)
        return made

    def _members(
        self, name: str, members: Mapping[str, Any], depth: int
    ) -> dict[str, Any]:
        return {
            member: self.converted(value, depth + 1)
            for member, value in members.items()
            if (name != "properties" or not self.is_left_out(value))
            and (name != "patternProperties" or is_pattern(member))
        }

    def _mend(self, schema: Mapping[str, Any], made: dict[str, Any]) -> None:
        _mend_type(schema, made)
        _mend_bounds(schema, made)
        _mend_required(schema, made)
        if "enum" in made:
            made["enum"] = _once(made["enum"])
        if schema.get("nullable") is True:
            _allow_null(made)


def _mend_type(schema: Mapping[str, Any], made: dict[str, Any]) -> None:
    given = schema.get("type")
    if given == "file":
        made |= {"type": "string", "format": "binary"}
    elif isinstance(given, str) and given in _TYPES:
        made["type"] = given
    elif isinstance(given, list):
        kinds = [kind for kind in given if isinstance(kind, str) and kind in _TYPES]
        if kinds and len(kinds) == len(given):
            made["type"] = list(dict.fromkeys(kinds))
    if made.get("format") == "binary":
        made |= {"contentEncoding": "base64"}


def _mend_bounds(schema: Mapping[str, Any], made: dict[str, Any]) -> None:
    """`exclusiveMinimum: true` makes the minimum exclusive in 3.0; in 2020-12 it is a number of its own."""
    for exclusive, bound in _BOUNDS.items():
        if schema.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)
        elif _is_number(schema.get(exclusive)):
            made[exclusive] = schema[exclusive]


def _mend_required(schema: Mapping[str, Any], made: dict[str, Any]) -> None:
    required = schema.get("required")
    if not isinstance(required, list):
        return
    left_out = set(schema.get("properties") or ()) - set(made.get("properties") or ())
    names = [name for name in required if isinstance(name, str)]
    if kept := [name for name in dict.fromkeys(names) if name not in left_out]:
        made["required"] = kept


def _allow_null(made: dict[str, Any]) -> None:
    if "enum" in made and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    elif "type" not in made and (
        parts := {k: made.pop(k) for k in ("allOf", "anyOf", "oneOf") if k in made}
    ):
        made["anyOf"] = [parts, {"type": "null"}]


def _once(values: list[Any]) -> list[Any]:
    return list({orjson.dumps(value): value for value in values}.values())


@functools.lru_cache(maxsize=4096)
def is_pattern(text: str) -> bool:
    """Whether the engine that checks arguments takes this regular expression."""
    try:
        jsonschema_rs.validator_for(
            {"pattern": text}, pattern_options=jsonschema_rs.FancyRegexOptions()
        )
    except jsonschema_rs.ValidationError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_KEPT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(_COUNTS, _is_count),
    **dict.fromkeys(_TEXTS, _is_text),
    **dict.fromkeys(_FLAGS, _is_flag),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "pattern": lambda value: isinstance(value, str) and is_pattern(value),
    "enum": lambda value: isinstance(value, list) and bool(value),
    "const": lambda value: True,
    "default": lambda value: True,
    "examples": lambda value: isinstance(value, list),
    "dependentRequired": lambda value: (
        isinstance(value, dict)
        and all(
            isinstance(names, list)
            and all(isinstance(name, str) for name in names)
            and len(set(names)) == len(names)
            for names in value.values()
        )
    ),
}
"""Keywords that are kept as they stand when their value is what JSON Schema wants; whatever else there is says nothing."""
