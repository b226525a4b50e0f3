"""Makes a JSON Schema readable: one row per parameter, in the order of the schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DEEPEST = 5
_MOST_ROWS = 300


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One line of the table; `depth` says how far it is indented."""

    name: str
    type: str
    description: str
    notes: list[str]
    is_required: bool
    depth: int


def parameters(schema: Any) -> list[Parameter]:
    """The parameters of an object schema, those of nested objects below their parent."""
    rows: list[Parameter] = []
    for row in _rows(schema, schema, depth=0):
        rows.append(row)
        if len(rows) == _MOST_ROWS:
            break
    return rows


def _rows(schema: Any, root: Any, *, depth: int) -> Iterator[Parameter]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    properties = schema.get("properties")
    for name, part in (properties if isinstance(properties, Mapping) else {}).items():
        said = _resolved(part, root)
        yield Parameter(
            name=str(name),
            type=_type(said, root),
            description=str(said.get("description", "")),
            notes=list(_notes(said)),
            is_required=name in needed,
            depth=depth,
        )
        inner = _resolved(said.get("items"), root) if "items" in said else said
        yield from _rows(inner, root, depth=depth + 1)


def _resolved(part: Any, root: Any) -> Mapping[str, Any]:
    """The schema itself, or what its local `$ref` names."""
    if not isinstance(part, Mapping):
        return {}
    reference = part.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return part
    found: Any = root
    for key in reference[2:].split("/"):
        found = found.get(key) if isinstance(found, Mapping) else None
    rest = {name: value for name, value in part.items() if name != "$ref"}
    return {**found, **rest} if isinstance(found, Mapping) else part


def _type(said: Mapping[str, Any], root: Any) -> str:
    for union in ("anyOf", "oneOf"):
        if isinstance(said.get(union), list):
            kinds = [_type(_resolved(part, root), root) for part in said[union][:6]]
            return " | ".join(dict.fromkeys(kinds))
    kind = said.get("type", "any")
    if isinstance(kind, list):
        return " | ".join(map(str, kind))
    if kind == "array":
        return f"{_type(_resolved(said.get('items'), root), root)}[]"
    return str(kind)


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(said.get("enum"), list):
        yield "one of " + ", ".join(map(str, said["enum"][:20]))
    for key, words in _NOTES.items():
        if key in said:
            yield f"{words} {str(said[key])[:200]}"


_NOTES = {
    "const": "always",
    "default": "default",
    "format": "format",
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "shortest",
    "maxLength": "longest",
    "pattern": "pattern",
}
