"""The validators of schemas, compiled at first use and kept for whoever checks against the same schema again."""

from typing import Any

import orjson

from gateway.identity.remembering import Remembered
from toolsets.schemas import validator_of

_MOST = 20_000

_validators: Remembered[str, Any] = Remembered(_MOST)


def validator_for(schema: str) -> Any:
    """What checks values against the schema, given as JSON text.

    Raises:
        SchemaUnusable: it refers to something outside itself, or is no schema.
        ValueError: it is no JSON.
    """
    validator = _validators.get(schema)
    if validator is None:
        validator = validator_of(orjson.loads(schema))
        _validators.put(schema, validator)
    return validator
