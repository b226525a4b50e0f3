"""What an operation answers when it succeeds, as an output schema: where that is always the same kind of object."""

from collections.abc import Mapping
from typing import Any

import orjson

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.openapi.bodies import is_json
from toolsets.adapters.openapi.documents import Document
from toolsets.adapters.openapi.relaxing import relaxed
from toolsets.adapters.openapi.schemas import Schemas

_BUDGET = 8 * 1024
_LARGEST = 64 * 1024


def output_of(
    document: Document, schemas: Schemas, method: str, operation: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The output schema, None where an answer may be no object, or the schema cannot be had.

    A tool with an output schema must answer with such an object, so one success without a body rules it out; and HEAD,
    whose answers have none, whatever the document says.
    """
    if method == "head":
        return None
    try:
        found = [_schema(document, one) for one in _successes(operation)]
        if not found or found[0] is None or any(one != found[0] for one in found):
            return None
        return _written(document, schemas, found[0])
    except ToolMalformed:
        return None


def media_type_of(document: Document, operation: Mapping[str, Any]) -> str:
    """What to ask for: JSON where there is any, "" where that is not said."""
    try:
        listed = [_content(document, one) for one in _successes(operation)]
    except ToolMalformed:
        return ""
    names = (name for content in listed for name in content)
    return next(
        (
            name
            for name in names
            if is_json(name) and name.isprintable() and name.isascii()
        ),
        "",
    )


def _successes(operation: Mapping[str, Any]) -> list[Any]:
    responses = operation.get("responses")
    if not isinstance(responses, Mapping):
        return []
    return [raw for status, raw in responses.items() if str(status).startswith("2")]


def _content(document: Document, raw: Any) -> Mapping[str, Any]:
    content = document.object_at(raw, "a response").get("content")
    return content if isinstance(content, Mapping) else {}


def _schema(document: Document, raw: Any) -> Any:
    """The schema of a response's JSON, which is what is asked for."""
    content = _content(document, raw)
    name = next((name for name in content if is_json(name)), "")
    described = content.get(name)
    return described.get("schema") if isinstance(described, Mapping) else None


def _written(
    document: Document, schemas: Schemas, schema: Any
) -> dict[str, Any] | None:
    converted, needed = schemas.converted(document.resolved(schema))
    if not isinstance(converted, dict) or converted.get("type") != "object":
        return None
    made = relaxed(schemas.with_definitions(converted, needed, budget=_BUDGET))
    return made if len(orjson.dumps(made)) <= _LARGEST else None
