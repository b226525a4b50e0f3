"""What operations become: input and output schemas, titles, hints, and the bodies that arguments make."""

import json
from email import message_from_bytes
from typing import Any

import pytest

from tests.toolsets.openapi.documents import (
    HOST,
    built,
    document,
    input_of,
    json_body,
    listed,
    only_tool,
    operation,
    parameter,
)
from toolsets.adapters.http.requests import OutgoingRequest, RequestRefused
from toolsets.schemas import validator_of

NAME = {"type": "object", "properties": {"name": {"type": "string"}}}
NAMED = {**NAME, "required": ["name"]}
ANSWERED = {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}


def posted(body: Any, arguments: Any, **members: Any) -> OutgoingRequest:
    raw = operation(requestBody=body, **members)
    return built(document({"/a": {"post": raw}}), arguments)


def test_members_of_a_plain_body_stand_beside_the_parameters() -> None:
    raw = operation(
        parameters=[parameter("id", "query", {"type": "integer"}, description="Which")],
        requestBody=json_body(NAMED, required=True),
    )

    assert input_of(raw) == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "Which"},
            "name": {"type": "string"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "body",
    [
        json_body({"type": "array"}),
        json_body({"properties": {"id": {}}}),
        json_body(NAMED),
        json_body({**NAME, "additionalProperties": {"type": "string"}}),
        json_body({"allOf": [NAME]}),
        json_body({"type": "object"}),
    ],
)
def test_any_other_body_is_one_member(body: Any) -> None:
    schema = input_of(
        operation(parameters=[parameter("id", "query")], requestBody=body)
    )

    assert set(schema["properties"]) == {"id", "body"}


def test_parameters_of_one_name_are_told_apart_by_their_place() -> None:
    listed_parameters = [parameter("id", "cookie"), parameter("id", "header"), parameter("id", "query")]  # fmt: skip
    raw = operation(parameters=listed_parameters, requestBody=json_body(NAME))

    request = built(
        document({"/a": {"post": raw}}),
        {"id": 1, "id_header": 2, "id_cookie": 3, "name": "x"},
    )

    assert request.url == f"{HOST}/a?id=1"
    assert request.headers == {"id": "2", "Cookie": "id=3"}
    assert request.body == b'{"name":"x"}'


def test_parameters_of_an_operation_replace_those_of_its_path() -> None:
    item = {
        "parameters": [parameter("a", "query"), parameter("b", "query")],
        "get": operation(parameters=[parameter("b", "query", {"type": "integer"})]),
    }

    schema = only_tool(document({"/a": item})).unpacked()["parameters"]

    assert schema["properties"] == {"a": {}, "b": {"type": "integer"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"enum": ["a"], "type": "string", "nullable": True}, {"enum": ["a", None], "type": ["string", "null"]}),
        ({"allOf": [{"type": "string"}], "nullable": True}, {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"$ref": "#/components/schemas/S", "nullable": True}, {"anyOf": [{"$ref": "#/$defs/S"}, {"type": "null"}]}),
        ({"$ref": "#/components/schemas/S", "type": "string"}, {"$ref": "#/$defs/S"}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}),
        ({"type": "file"}, {"type": "string", "format": "binary", "contentEncoding": "base64"}),
        ({"type": "string", "example": 1, "xml": {}, "discriminator": {}, "x-y": 1, "externalDocs": {}}, {"type": "string"}),
        ({"required": True, "enum": ["a", "a"]}, {"enum": ["a"]}),
        ({"pattern": "(?<bad"}, {}),
        ({"minLength": "2", "items": "x", "type": "any"}, {}),
        ({"type": "object", "properties": {"a": {"readOnly": True}, "b": {}}, "required": ["a", "b"]}, {"type": "object", "properties": {"b": {}}, "required": ["b"]}),
    ],
)  # fmt: skip
def test_schemas_of_3_0_become_json_schema(given: Any, expected: Any) -> None:
    raw = operation(parameters=[parameter("p", "query", given)])

    schema = input_of(
        raw, version="3.0.3", components={"schemas": {"S": {"type": "integer"}}}
    )

    assert schema["properties"]["p"] == expected


def test_circular_schema_stays_finite() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}}}  # fmt: skip
    body = json_body({"$ref": "#/components/schemas/Tree"}, required=True)

    schema = input_of(
        operation(requestBody=body), components={"schemas": {"Tree": tree}}
    )

    below = {"$ref": "#/$defs/Tree"}
    assert schema["properties"] == {"left": below}
    assert schema["$defs"] == {
        "Tree": {"type": "object", "properties": {"left": below}}
    }


def responses(**by_status: Any) -> dict[str, Any]:
    return {
        status.strip("_"): {"content": {"application/json": {"schema": schema}}}
        if schema is not None
        else {"description": "Nothing"}
        for status, schema in by_status.items()
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (responses(_200=NAMED), ANSWERED),
        (responses(_200=NAMED, _201=NAMED, _404={"type": "string"}), ANSWERED),
        (responses(_200=NAMED, _204=None), None),
        (responses(_200=NAMED, _201=NAME), None),
        (responses(_200={"type": "array"}), None),
        (responses(_404=NAMED), None),
        (responses(_200={"$ref": "https://elsewhere.example"}), None),
    ],
)
def test_output_schema_is_what_every_success_answers(given: Any, expected: Any) -> None:
    raw = {"operationId": "act", "responses": given}

    tool = only_tool(document({"/a": {"get": raw}}))

    assert tool.unpacked()["output_schema"] == expected


def test_nothing_is_promised_of_the_answer_to_head() -> None:
    raw = {"operationId": "act", "responses": responses(_200=NAMED)}

    tool = only_tool(document({"/a": {"head": raw}}))

    assert tool.unpacked()["output_schema"] is None


def test_output_schema_promises_what_real_answers_keep() -> None:
    fish = {
        "type": "object",
        "required": ["kind"],
        "additionalProperties": False,
        "properties": {
            "kind": {"type": "string", "enum": ["cod"], "description": "Which."},
            "id": {"type": "string", "format": "uuid", "pattern": "^a", "maxLength": 2},
            "mass": {"type": "number", "minimum": 1, "multipleOf": 2},
            "young": {
                "type": "array",
                "maxItems": 1,
                "items": {"$ref": "#/components/schemas/Fish"},
            },
            "home": {
                "oneOf": [
                    {"type": "object", "properties": {"sea": {"const": "north"}}},
                    {"type": "object", "properties": {"lake": {}}},
                ]
            },
        },
    }
    answers = responses(_200={"$ref": "#/components/schemas/Fish"})
    raw = {"operationId": "act", "responses": answers}
    given = document({"/a": {"get": raw}}, components={"schemas": {"Fish": fish}})

    schema = only_tool(given).unpacked()["output_schema"]

    null = {"type": "null"}
    homes = [
        {"type": "object", "properties": {"sea": {"examples": ["north"]}}},
        {"type": "object", "properties": {"lake": {}}},
    ]
    assert schema["properties"] == {
        "kind": {
            "type": ["string", "null"],
            "description": "Which.",
            "examples": ["cod"],
        },
        "id": {"type": ["string", "null"]},
        "mass": {"type": ["number", "null"]},
        "young": {
            "type": ["array", "null"],
            "items": {"anyOf": [{"$ref": "#/$defs/Fish"}, null]},
        },
        "home": {"anyOf": [{"anyOf": homes}, null]},
    }
    assert schema.keys() == {"type", "properties", "$defs"}
    answer = {"kind": "eel", "home": {}, "young": [{"mass": None}], "new": 1}
    assert validator_of(schema).is_valid(answer)
    assert not validator_of(schema).is_valid({"kind": 7})


@pytest.mark.parametrize(
    ("method", "hints"),
    [
        ("get", {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}),
        ("post", {"readOnlyHint": False, "idempotentHint": False}),
        ("put", {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}),
        ("patch", {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False}),
        ("delete", {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}),
    ],
)  # fmt: skip
def test_hints_follow_from_the_method(method: str, hints: dict[str, bool]) -> None:
    tool = only_tool(document({"/a": {method: operation()}}))

    assert tool.unpacked()["annotations"] == {**hints, "openWorldHint": True}


def test_summary_is_the_title_and_deprecation_is_said() -> None:
    raw = operation(summary="A title", description="What it does.", deprecated=True)

    tool = only_tool(document({"/a": {"get": raw}}))

    assert (tool.title, tool.description) == ("A title", "Deprecated. What it does.")


def test_optional_body_is_left_out_when_nothing_is_given() -> None:
    body = json_body(NAME)

    assert posted(body, {}).body is None
    assert posted({**body, "required": True}, {}).body == b"{}"


def test_form_is_written_as_its_encoding_says() -> None:
    schema = {
        "type": "object",
        "properties": {n: {} for n in ("a", "b", "c", "d", "e")},
    }
    encoding = {
        "b": {"style": "deepObject", "explode": True},
        "c": {"style": "pipeDelimited", "explode": False},
        "d": {"contentType": "application/json"},
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}  # fmt: skip

    request = posted(
        {"content": content, "required": True},
        {"a": "x &=ü", "b": {"k": [1]}, "c": ["p", "q"], "d": [1], "e": ["r", "s"]},
    )

    assert request.content_type == "application/x-www-form-urlencoded"
    assert request.body == (
        b"a=x%20%26%3D%C3%BC&b%5Bk%5D%5B0%5D=1&c=p%7Cq&d=%5B1%5D&e=r&e=s"
    )


def test_multipart_carries_files_objects_and_text() -> None:
    properties = {
        "file": {"type": "string", "format": "binary"},
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "about": {"type": "object"},
        'na"me\r\nX': {"type": "string"},
    }
    schema = {"type": "object", "properties": properties}
    encoding = {"file": {"contentType": "image/png, image/jpeg"}}
    content = {"multipart/form-data": {"schema": schema, "encoding": encoding}}

    request = posted(
        {"content": content, "required": True},
        {
            "file": "AAH/",
            "files": ["YQ==", "Yg=="],
            "about": {"k": 1},
            'na"me\r\nX': "ü",
        },
    )

    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    parts: Any = message_from_bytes(head + (request.body or b"")).get_payload()
    found = [
        (p["Content-Disposition"], p["Content-Type"], p.get_payload(decode=True))
        for p in parts
    ]
    octets = "application/octet-stream"
    assert found == [
        ('form-data; name="file"; filename="file"', "image/png", b"\x00\x01\xff"),
        ('form-data; name="files"; filename="files"', octets, b"a"),
        ('form-data; name="files"; filename="files"', octets, b"b"),
        ('form-data; name="about"', "application/json", b'{"k":1}'),
        ('form-data; name="na%22me%0D%0AX"', None, "ü".encode()),
    ]


def test_bytes_come_as_base64_and_go_as_bytes() -> None:
    body = {
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    }

    request = posted(body, {"body": "AAH/"})

    assert (request.body, request.content_type) == (b"\x00\x01\xff", "image/png")
    with pytest.raises(RequestRefused, match="base64"):
        posted(body, {"body": "not base64!"})


def test_text_goes_as_it_is() -> None:
    body = {"content": {"text/plain": {"schema": {"type": "string"}}}}

    request = posted(body, {"body": "ü\r\n"})

    assert request.body == "ü\r\n".encode()
    assert request.content_type == "text/plain; charset=utf-8"


def test_json_is_preferred_and_asked_for() -> None:
    content = {"text/plain": {}, "application/xml": {}, "application/json": {"schema": NAME}}  # fmt: skip
    answers: Any = {"200": {"content": {"text/csv": {}, "application/hal+json": {}}}}

    request = posted({"content": content}, {"name": "x"}, responses=answers)

    assert request.content_type == "application/json"
    assert request.headers == {"Accept": "application/hal+json"}


def test_body_of_a_get_is_ignored_unless_it_is_needed() -> None:
    optional, needed = json_body(NAME), json_body(NAME, required=True)
    paths = {
        "/a": {"get": operation("a", requestBody=optional)},
        "/b": {"get": operation("b", requestBody=needed)},
        "/c": {"trace": operation("c")},
    }

    listing = listed(document(paths))

    assert list(listing.tools) == ["a"]
    assert listing.skipped == [
        "b (GET /b): it needs a request body, which get cannot carry",
        "c (TRACE /c): TRACE requests are not sent",
    ]


def test_query_that_a_path_brings_is_kept() -> None:
    raw = operation(parameters=[parameter("b", "query")])

    request = built(document({"/a?beta=true#part": {"get": raw}}), {"b": 1})

    assert request.url == f"{HOST}/a?beta=true&b=1"


def test_configuration_says_no_more_than_it_must() -> None:
    raw = operation(parameters=[parameter("a", "query")], requestBody=json_body(NAME))

    config = only_tool(document({"/a": {"post": raw}})).unpacked()["config"]

    assert json.loads(json.dumps(config)) == {
        "method": "POST",
        "path": "/a",
        "operationId": "act",
        "server": HOST,
        "given": "",
        "parameters": [{"name": "a", "in": "query"}],
        "body": {"kind": "json", "mediaType": "application/json", "members": ["name"]},
    }
