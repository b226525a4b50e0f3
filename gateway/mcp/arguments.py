"""Checks a call's arguments against the tool's input schema, without ever fetching anything."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import Refused
from gateway.mcp.validators import validator_for
from toolsets.schemas import SchemaUnusable

_MOST_PROBLEMS = 5
_LONGEST_PROBLEM = 200


class ArgumentsInvalid(Refused):
    """The arguments do not fit the tool's input schema."""

    code = "invalid_arguments"


def check_arguments(schema: str, arguments: Mapping[str, Any]) -> None:
    """Compare `arguments` with the schema, given as JSON text.

    Raises:
        ArgumentsInvalid: they do not fit; the message names up to five problems.
        SchemaUnusable: the schema refers to something outside itself, or is no schema.
    """
    validator = _validator(schema)
    if not validator.is_valid(arguments):
        raise ArgumentsInvalid(_explained(validator, arguments))


def _validator(schema: str) -> Any:
    try:
        return validator_for(schema)
    except (SchemaUnusable, ValueError) as exc:
        raise SchemaUnusable(
            "The upstream's input schema of this tool cannot be checked, so the call was not sent. "
            "Tell the operator of this gateway."
        ) from exc


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
