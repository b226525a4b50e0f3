"""Documents that are wrong, huge, circular or meant to harm: a clear failure, or the rest of the tools."""

import json
import time
from typing import Any

import pytest

from tests.toolsets.openapi.documents import (
    document,
    json_body,
    listed,
    operation,
    parameter,
)
from toolsets.adapters.failures import DocumentInvalid, ListingTooLarge

GOOD = {"/good": {"get": operation("good")}}


def skipped(paths: Any, **members: Any) -> list[str]:
    """What is skipped of a document that has one good operation besides."""
    listing = listed(document({**GOOD, **paths}, **members))
    assert "good" in listing.tools
    return listing.skipped


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!doctype html><html></html>", "This is HTML or XML"),
        ("", "it is no object"),
        ("just a line", "it is no object"),
        ("[1, 2]", "it is no object"),
        ("{'a': [", "neither JSON nor YAML"),
        ('{"openapi": "3.1.0", "paths": {', "The document is not JSON"),
        ("a: b", "it has no member `openapi`"),
        ('{"swagger": "2.0", "paths": {}}', "Convert it to OpenAPI 3"),
        ('{"openapi": "4.0.0", "paths": {"/": {}}}', "3.0, 3.1 and 3.2 are understood"),
        ('{"openapi": "3.0.0", "info": {}}', "has no paths"),
        ("openapi: 3.0.0\n---\nopenapi: 3.0.1", "more than one document"),
        ("openapi: &a [*a]", "stands for nothing"),
        ("!!python/object/apply:os.system ['true']: 1", "a key is not text"),
        ("a: " * 200 + "b", "neither JSON nor YAML"),
        ("[" * 5000, "neither JSON nor YAML"),
        ('{"a":' * 5000, "The document is not JSON"),
        ("{? a: b", "neither JSON nor YAML"),
    ],
)
def test_what_is_no_document_is_refused_with_advice(text: str, said: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        listed(text or " ")

    assert said in refused.value.message


def test_what_aliases_stand_for_is_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    started = time.thread_time()

    with pytest.raises(DocumentInvalid, match="aliases stand for more than"):
        listed("\n".join(lines))

    assert time.thread_time() - started < 5


def test_document_that_is_too_large_is_refused() -> None:
    with pytest.raises(ListingTooLarge, match="larger than 32 MiB"):
        listed(json.dumps({**document(GOOD), "x": "y" * 50_000_000}))


def test_yaml_is_read_as_openapi_means_it() -> None:
    text = """
openapi: 3.1.0
info: {title: x, version: 2024-01-31}
servers: [{url: 'https://api.example.com'}]
paths:
  /a:
    get:
      operationId: on
      parameters:
      - {name: country, in: query, schema: {enum: [no, NO, 2024-01-31, 1.50, 0x10, '5', ~, true, 012]}}
      responses: {200: {description: ok}}
"""
    tool = listed(text).tools["on"]

    enum = tool.unpacked()["parameters"]["properties"]["country"]["enum"]
    assert enum == ["no", "NO", "2024-01-31", 1.5, 16, "5", None, True, 12]


def test_merge_keys_and_aliases_work() -> None:
    text = """
openapi: 3.0.3
servers: [{url: 'https://api.example.com'}]
x-common: &common {operationId: first, summary: Common}
paths:
  /a: {get: {<<: *common}}
  /b: {get: {<<: *common, operationId: second}}
"""
    titles = {name: tool.title for name, tool in listed(text).tools.items()}

    assert titles == {"first": "Common", "second": "Common"}


@pytest.mark.parametrize(
    "reference",
    [
        "https://evil.example/x.json",
        "other.json#/a",
        "file:///etc/passwd",
        "#/components/schemas/Missing",
        "#anchor",
        7,
        None,
    ],
)
def test_reference_that_leads_nowhere_skips_its_operation(reference: Any) -> None:
    bad = operation("bad", requestBody=json_body({"$ref": reference}, required=True))

    (said,) = skipped({"/bad": {"post": bad}})

    assert said.startswith("bad (POST /bad): ")


def test_circular_references_between_parameters_skip_their_operation() -> None:
    parameters = {"a": {"$ref": "#/components/parameters/b"}, "b": {"$ref": "#/components/parameters/a"}}  # fmt: skip
    bad = operation("bad", parameters=[{"$ref": "#/components/parameters/a"}])

    said = skipped({"/bad": {"get": bad}}, components={"parameters": parameters})

    assert said == ["bad (GET /bad): its references go in a circle"]


def test_reference_bomb_stays_small() -> None:
    schemas: dict[str, Any] = {"s40": {"type": "string"}}
    for n in range(40):
        here = {"$ref": f"#/components/schemas/s{n + 1}"}
        schemas[f"s{n}"] = {"properties": {"a": here, "b": here, "c": here}}
    first = {"$ref": "#/components/schemas/s0"}
    paths = {"/a": {"post": operation(requestBody=json_body({"items": first}))}}

    tool = listed(document(paths, components={"schemas": schemas})).tools["act"]

    assert len(tool.packed) < 10_000


def test_huge_schemas_are_widened_rather_than_dropped() -> None:
    big = {"properties": {f"p{n}": {"enum": ["x" * 90]} for n in range(1000)}}
    schemas = {f"s{n}": big for n in range(10)}
    refs = {f"m{n}": {"$ref": f"#/components/schemas/s{n}"} for n in range(10)}
    body = json_body({"type": "object", "properties": refs}, required=True)
    paths = {"/a": {"post": operation(requestBody=body)}}

    tool = listed(document(paths, components={"schemas": schemas})).tools["act"]

    defs = tool.unpacked()["parameters"]["$defs"]
    assert len(tool.packed) < 256 * 1024
    assert defs["s9"] == {}
    assert defs["s0"] != {}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (operation("bad", parameters=[parameter(f"p{n}", "query") for n in range(10_000)]), "its parameters are no list, or more than 1,000 of them"),
        (operation("bad", parameters=[parameter("x", "body")]), "the parameter 'x' is in 'body', which is none of path, query, header, cookie"),
        (operation("bad", parameters=[{"in": "query"}]), "a parameter has no name"),
        (operation("bad", parameters=[parameter("x", "query", style="matrix")]), "the parameter 'x' has the style 'matrix', which the query does not know"),
        (operation("bad", parameters=["x"]), "a parameter is not an object"),
        (operation("bad", parameters=[parameter("Host", "header", required=True)]), "it needs the header host, which cannot be set"),
        (operation("bad", requestBody={"content": {"text/plain\r\nX: y": {}}}), "the media type of its body is none"),
        (operation("bad", requestBody={"content": {"multipart/mixed": {}}}), "its body is multipart/mixed, which cannot be written"),
    ],
)  # fmt: skip
def test_operation_that_cannot_be_expressed_is_named_with_the_reason(
    raw: Any, reason: str
) -> None:
    assert skipped({"/bad": {"post": raw}}) == [f"bad (POST /bad): {reason}"]


def test_schema_that_is_too_deep_skips_its_operation() -> None:
    schema: dict[str, Any] = {}
    for _ in range(60):
        schema = {"items": schema}

    said = skipped({"/bad": {"post": operation("bad", requestBody=json_body(schema))}})

    assert said == ["bad (POST /bad): its schemas are nested deeper than 48 levels"]


def test_document_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(400):
        schema = {"items": schema}

    with pytest.raises(DocumentInvalid, match="cannot be kept as JSON"):
        listed(document({"/a": {"post": operation(requestBody=json_body(schema))}}))


def test_path_parameter_that_nobody_describes_skips_its_operation() -> None:
    said = skipped({"/bad/{id}": {"get": operation("bad")}})

    assert said == ["bad (GET /bad/{id}): its path parameter 'id' is not described"]


def test_names_lose_what_is_no_letter() -> None:
    wanted = ["a\x00b\r\nc", "‮evil", "repos/get", "x" * 400, "ü", "   "]
    paths = {f"/p{n}": {"get": operation(name)} for n, name in enumerate(wanted)}

    names = list(listed(document(paths)).tools)

    assert names[:3] == ["a_b_c", "evil", "repos_get"]
    assert len(names) == 6
    assert all(name.isascii() and len(name) < 120 for name in names)
    assert names[5] == "get_p5"


def test_operations_of_one_name_keep_theirs_whatever_the_order() -> None:
    def names(*paths: str) -> dict[str, str]:
        ids = {"/a": "x/y", "/b": "x_y", "/c": "x_y"}
        given = document({path: {"get": operation(ids[path])} for path in paths})
        tools = listed(given).tools
        return {tool.unpacked()["config"]["path"]: name for name, tool in tools.items()}

    forwards, backwards = names("/a", "/b", "/c"), names("/c", "/b", "/a")

    assert forwards == backwards
    assert forwards["/b"] == "x_y"
    assert len(set(forwards.values())) == 3


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {"get": None, "parameters": 7},
        {"get": {"responses": [], "tags": 7, "summary": 7, "security": "no"}},
        {"get": {"requestBody": [], "responses": {"200": 7}}},
        {"get": {"responses": {"200": {"content": {"application/json": 7}}}}},
        {"post": {"requestBody": {"content": {"application/json": {"schema": 7}}}}},
        {"post": {"requestBody": {"content": {"application/json": {"schema": {"properties": [], "required": "x", "enum": 7, "type": ["a"], "minimum": "x"}}}}}},
        {"get": {"servers": "nowhere"}},
        {"$ref": "#/paths/~1bad"},
    ],
)  # fmt: skip
def test_nonsense_costs_at_most_its_own_operation(raw: Any) -> None:
    skipped({"/bad": raw})
