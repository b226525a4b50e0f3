"""Holds an answer to what the API's description says of it."""

import re
from functools import cache
from typing import Any

import jsonschema_rs

from gateway.rest.description import document


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Fail unless the description knows this status of this operation, and its body."""
    described = _operation(method, path)
    if described is None:
        return
    answers = described[1]["responses"]
    assert str(status) in answers, f"{method} {path} answered {status}: {body}"
    content = answers[str(status)].get("content")
    if content is None:
        assert body is None, f"{method} {path} {status}: {body}"
        return
    validator = _validator(content["application/json"]["schema"]["$ref"])
    errors = [
        f"{list(error.instance_path)}: {error.message[:300]}"
        for error in validator.iter_errors(body)
    ]
    assert errors == [], f"{method} {path} {status}"


def _operation(method: str, path: str) -> tuple[str, Any] | None:
    return next(
        (
            (template, described[method.lower()])
            for expression, template, described in _templates()
            if expression.fullmatch(path) and method.lower() in described
        ),
        None,
    )


@cache
def _templates() -> list[tuple[re.Pattern[str], str, Any]]:
    return [
        (re.compile(_expression(template)), template, described)
        for template, described in document()["paths"].items()
    ]


def _expression(template: str) -> str:
    return re.sub(r"\\{[^}]*\\}", r"(?:external_id:)?[^/:]+", re.escape(template))


@cache
def _validator(reference: str) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": reference, "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
