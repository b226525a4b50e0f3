"""Makes of what a document says about answers a promise that real answers keep.

APIs answer with nulls that nobody documented, with values and members that are newer than their document, and without
members that it calls required. A client refuses an answer that breaks the tool's promise, and that call was executed. So
only the shape is promised: which members there may be, and of which types. Known values stay as examples.
"""

from collections.abc import Mapping
from typing import Any

_SAID = frozenset(
    {
        "$ref",
        "type",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "contentEncoding",
        "contentMediaType",
    }
)
"""What is kept as it stands. `required` is not: members that are empty are left out as often as they are null."""
_MAPS = frozenset({"properties", "$defs"})
_LISTS = frozenset({"allOf", "prefixItems"})
_CHOICES = ("anyOf", "oneOf")
_OF_MEMBERS = frozenset({"items", "additionalProperties"})
_NULL = {"type": "null"}
_ABOUT = ("title", "description")


def relaxed(schema: Any) -> Any:
    """The schema, as it was converted, without what real answers break."""
    if not isinstance(schema, Mapping):
        return {}
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _SAID:
            made[name] = value
        elif name in _MAPS:
            change = _nullable if name == "properties" else relaxed
            made[name] = {member: change(held) for member, held in value.items()}
        elif name in _LISTS:
            made[name] = [relaxed(one) for one in value]
        elif name in _OF_MEMBERS and isinstance(value, Mapping):
            made[name] = _nullable(value)
    return _with_examples(schema, _with_choices(schema, made))


def _with_choices(schema: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """One of several becomes any of them: relaxed, more than one may fit."""
    choices = [[relaxed(one) for one in schema[n]] for n in _CHOICES if n in schema]
    match choices:
        case [only]:
            made["anyOf"] = only
        case [_, _]:
            both = [{"anyOf": one} for one in choices]
            made["allOf"] = [*made.get("allOf", []), *both]
    return made


def _with_examples(schema: Mapping[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    known = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return {**made, "examples": known} if known and "examples" not in made else made


def _nullable(schema: Any) -> Any:
    """The relaxed schema of a member, which may also be null."""
    made = relaxed(schema)
    if {"$ref", "anyOf", "allOf"} & made.keys():
        about = {name: made.pop(name) for name in _ABOUT if name in made}
        return {**about, "anyOf": [made, _NULL]}
    if "type" not in made:
        return made
    kinds = [made["type"]] if isinstance(made["type"], str) else made["type"]
    return made if "null" in kinds else {**made, "type": [*kinds, "null"]}
