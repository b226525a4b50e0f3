"""Arguments for any input schema: a member of each kind, with text that is hard to encode."""

from collections.abc import Mapping
from random import Random
from typing import Any

_TEXTS = [
    "plain",
    "a b",
    "ü/€",
    "x&y=z",
    "50%",
    "?q#f",
    "[0]",
    '"{}"',
    "a+b;c,d",
    "..",
    "😀",
]
_DEEPEST = 4


class Generator:
    """Makes values that fit the types of a schema. The same `seed` makes the same values."""

    def __init__(self, schema: Mapping[str, Any], *, seed: str) -> None:
        self._schema = schema
        self._random = Random(seed)  # noqa: S311 - wants to be repeatable

    def arguments(self) -> dict[str, Any]:
        """Every required member, and about half of the others."""
        made: dict[str, Any] = self._object(self._schema, depth=0)
        return made

    def _value(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema)
        for name in ("const", "enum"):
            if name in schema:
                return schema[name] if name == "const" else schema[name][0]
        for name in ("oneOf", "anyOf", "allOf"):
            if name in schema:
                return self._value(self._random.choice(schema[name]), depth)
        kind = schema.get("type", "string")
        kind = kind[0] if isinstance(kind, list) else kind
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                count = 2 if depth < _DEEPEST else 0
                return [
                    self._value(schema.get("items", {}), depth + 1)
                    for _ in range(count)
                ]
            case "integer":
                return self._random.randint(1, 10**6)
            case "number":
                return self._random.randint(1, 100) / 8
            case "boolean":
                return self._random.random() < 0.5
            case "null":
                return None
            case _ if schema.get("contentEncoding") == "base64":
                return "AAH/"
            case _:
                return self._random.choice(_TEXTS)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", [])
        made = {
            name: self._value(member, depth + 1)
            for name, member in schema.get("properties", {}).items()
            if name in required or (depth < _DEEPEST and self._random.random() < 0.5)
        }
        if isinstance(schema.get("additionalProperties"), Mapping) and depth < _DEEPEST:
            made["a key"] = self._value(schema["additionalProperties"], depth + 1)
        return made

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        while isinstance(schema, Mapping) and "$ref" in schema:
            schema = self._schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return schema if isinstance(schema, Mapping) else {}
