"""JSON Schemas of strangers, made ready to check values with, without ever fetching anything."""

from typing import Any

import jsonschema_rs
import orjson

from gateway.errors import Refused

_BACKTRACKING = 10_000


class SchemaUnusable(Refused):
    """The schema refers to something outside itself, or is none."""

    code = "schema_unusable"


def validator_of(schema: Any) -> Any:
    """What checks values against the schema.

    Raises:
        SchemaUnusable: the message says why.
    """
    try:
        return _validator(schema)
    except (
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        ValueError,
    ) as exc:
        said = getattr(exc, "message", "") or str(exc)
        raise SchemaUnusable(f"This JSON Schema cannot be used: {said[:300]}") from exc


def _validator(schema: Any) -> Any:
    options: dict[str, Any] = {
        "retriever": _refuse_to_fetch,
        "pattern_options": jsonschema_rs.FancyRegexOptions(
            backtrack_limit=_BACKTRACKING
        ),
    }
    try:
        return jsonschema_rs.validator_for(schema, **options)
    except jsonschema_rs.ValidationError:
        return jsonschema_rs.validator_for(_without_repetitions(schema), **options)


def _refuse_to_fetch(uri: str) -> Any:
    raise ValueError(f"References outside the schema are not followed: {uri[:200]}")


def _without_repetitions(schema: Any) -> Any:
    """The schema with each `required` and `enum` free of repetitions: wrong, common, and harmless."""
    if isinstance(schema, list):
        return [_without_repetitions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _once(value)
        if key in {"required", "enum"} and isinstance(value, list)
        else _without_repetitions(value)
        for key, value in schema.items()
    }


def _once(values: list[Any]) -> list[Any]:
    return list({orjson.dumps(value): value for value in values}.values())
