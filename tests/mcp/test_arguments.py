"""Arguments against schemas: good, bad, hostile."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.mcp.arguments import ArgumentsInvalid, check_arguments
from toolsets.schemas import SchemaUnusable

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 5}},
    "required": ["text"],
    "additionalProperties": False,
}


def check(schema: Any, arguments: dict[str, Any]) -> None:
    check_arguments(json.dumps(schema), arguments)


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({}, {"anything": 1}),
        (True, {"anything": 1}),
        ({"type": "object"}, {}),
        (TEXT, {"text": "hello"}),
        ({"$schema": "http://json-schema.org/draft-07/schema#", **TEXT}, {"text": ""}),
        (
            {
                "$defs": {"n": {"type": "integer"}},
                "properties": {"n": {"$ref": "#/$defs/n"}},
            },
            {"n": 1},
        ),
        ({"properties": {"day": {"format": "date"}}}, {"day": "not a date"}),
        ({"required": ["a", "a"], "properties": {"a": {"enum": [1, 1]}}}, {"a": 1}),
    ],
)
def test_arguments_that_fit_are_let_through(
    schema: Any, arguments: dict[str, Any]
) -> None:
    check(schema, arguments)


@pytest.mark.parametrize(
    ("schema", "arguments", "place"),
    [
        (TEXT, {}, "arguments: "),
        (TEXT, {"text": 5}, "text: "),
        (TEXT, {"text": "too long"}, "text: "),
        (TEXT, {"text": "a", "more": 1}, "arguments: "),
        (False, {}, "arguments: "),
        (
            {"properties": {"a": {"items": {"type": "integer"}}}},
            {"a": [1, "x"]},
            "a.1: ",
        ),
        ({"properties": {"t": {"pattern": "^(?!x)"}}}, {"t": "xyz"}, "t: "),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "arguments: "),
    ],
)
def test_arguments_that_do_not_fit_are_told_where(
    schema: Any, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(ArgumentsInvalid, match=place):
        check(schema, arguments)


def test_at_most_five_problems_are_told_and_each_briefly() -> None:
    schema = {"additionalProperties": {"type": "integer"}}

    with pytest.raises(ArgumentsInvalid) as refused:
        check(schema, {f"p{n}": "x" * 10_000 for n in range(50)})

    assert refused.value.message.count("; ") == 4
    assert len(refused.value.message) < 2000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": {"a": {"pattern": "("}}},
        {"$ref": "#/nowhere"},
        {"$schema": "https://example.com/unknown", "type": "object"},
        [],
        "text",
    ],
)
def test_unusable_schema_lets_nothing_through(schema: Any) -> None:
    with pytest.raises(SchemaUnusable):
        check(schema, {})


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:{port}/x.json", "file:///etc/passwd"]
)
def test_reference_to_outside_is_refused_and_nothing_is_fetched(reference: str) -> None:
    with _listening() as (port, asked):
        schema = {"properties": {"a": {"$ref": reference.format(port=port)}}}
        with pytest.raises(SchemaUnusable):
            check(schema, {"a": 1})

    assert asked() == 0


def test_evil_pattern_ends_soon() -> None:
    schema = {"properties": {"t": {"pattern": r"^(?=(a+)+$)(a+)+\1b$"}}}
    began = time.thread_time()

    with pytest.raises(ArgumentsInvalid):
        check(schema, {"t": "a" * 40 + "!"})

    assert time.thread_time() - began < 1


def test_recursive_schema_is_followed_only_as_far_as_the_arguments_go() -> None:
    tree = {"$ref": "#", "type": "object"}
    schema = {"type": "object", "properties": {"child": tree}}
    deep: dict[str, Any] = {}
    for _ in range(190):
        deep = {"child": deep}

    check(schema, deep)


@contextmanager
def _listening() -> Iterator[tuple[int, Callable[[], int]]]:
    """A port, and how many connections came to it until now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        counted: list[int] = []
        yield listener.getsockname()[1], lambda: counted[0]
        counted.append(len(_accepted(listener)))


def _accepted(listener: socket.socket) -> list[socket.socket]:
    accepted = []
    while True:
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            return accepted
