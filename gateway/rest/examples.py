"""Small examples of what a schema of the description asks for, and short words for its kind."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_PREFIX = "#/components/schemas/"
_TEXTS = {
    "baseUrl": "https://api.example.com",
    "email": "ada@example.com",
    "name": "Weather",
    "origin_user_email": "ada@example.com",
    "origin_user_id": "ada",
    "scopes": "management:all",
    "slug": "weather",
    "url": "https://mcp.example.com/mcp",
    "value": "s3cret",
}
_DEEPEST = 8


def example_of(
    schema: Schema, schemas: Mapping[str, Schema], *, name: str = "", depth: int = 0
) -> Any:
    """The least that a body may hold: required members, or else the first."""
    schema = _plain(schema, schemas)
    if "enum" in schema:
        return schema["enum"][-1]
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, depth)
        case "array":
            inner = {} if depth > _DEEPEST else schema.get("items", {})
            return [example_of(inner, schemas, name=name, depth=depth + 1)]
        case "string":
            return _TEXTS.get(name, "text")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return {}


def _object(
    schema: Schema, schemas: Mapping[str, Schema], depth: int
) -> dict[str, Any]:
    members = schema.get("properties", {})
    wanted = [n for n in members if n in schema.get("required", [])] or [*members][:1]
    if depth > _DEEPEST:
        wanted = []
    return {
        name: example_of(members[name], schemas, name=name, depth=depth + 1)
        for name in wanted
    }


def _plain(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """The schema that references and first alternatives lead to."""
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            schema = schemas[schema["$ref"].removeprefix(_PREFIX)]
        elif inner := schema.get("anyOf") or schema.get("allOf"):
            schema = inner[0]
        else:
            break
    return schema


def kinds_of(schema: Schema) -> list[dict[str, str]]:
    """What a value may be, in words; those with a `link` name an object of the description."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return [{"text": name, "link": name}]
    if inner := schema.get("anyOf") or schema.get("allOf"):
        return [kind for one in inner for kind in kinds_of(one)]
    if "enum" in schema:
        return [{"text": str(value), "value": "yes"} for value in schema["enum"]]
    if schema.get("type") == "array":
        return [{"text": "list of"}, *kinds_of(schema.get("items", {}))]
    if isinstance(schema.get("type"), list):
        return [{"text": kind} for kind in schema["type"]]
    if isinstance(values := schema.get("additionalProperties"), dict) and values:
        return [{"text": "map of"}, *kinds_of(values)]
    return [{"text": schema.get("format") or schema.get("type") or "anything"}]
