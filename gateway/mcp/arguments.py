"""Checks a call's arguments against the tool's input schema, without ever fetching anything."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import orjson

from gateway.errors import Refused
from gateway.identity.remembering import Remembered

_MOST_VALIDATORS = 20_000
_MOST_PROBLEMS = 5
_LONGEST_PROBLEM = 200
_BACKTRACKING = 10_000


class ArgumentsInvalid(Refused):
    """The arguments do not fit the tool's input schema."""

    code = "invalid_arguments"


class SchemaUnusable(Refused):
    """The upstream's input schema cannot be checked, so nothing is sent."""

    code = "schema_unusable"


_validators: Remembered[str, Any] = Remembered(_MOST_VALIDATORS)


def check_arguments(schema: str, arguments: Mapping[str, Any]) -> None:
    """Compare `arguments` with the schema, given as JSON text.

    Raises:
        ArgumentsInvalid: they do not fit; the message names up to five problems.
        SchemaUnusable: the schema refers to something outside itself, or is no schema.
    """
    validator = _validators.get(schema)
    if validator is None:
        validator = _compiled(schema)
        _validators.put(schema, validator)
    if not validator.is_valid(arguments):
        raise ArgumentsInvalid(_explained(validator, arguments))


def _compiled(schema: str) -> Any:
    try:
        return _validator(orjson.loads(schema))
    except (
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        ValueError,
    ) as exc:
        raise SchemaUnusable(
            "The upstream's input schema of this tool cannot be checked, so the call was not sent. "
            "Tell the operator of this gateway."
        ) from exc


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


def _explained(validator: Any, arguments: Mapping[str, Any]) -> str:
    problems = []
    for error in validator.iter_errors(arguments):
        place = ".".join(str(step) for step in error.instance_path) or "arguments"
        problems.append(f"{place}: {error.message[:_LONGEST_PROBLEM]}")
        if len(problems) == _MOST_PROBLEMS:
            break
    return (
        "The arguments do not fit the tool's input schema. Mend them and call again. "
        + "; ".join(problems)
    )
