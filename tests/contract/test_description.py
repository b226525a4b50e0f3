"""The API describes itself, whole and truly."""

import re
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from gateway.rest.addresses import EXTERNAL_ID  # noqa: F401 - registers converters
from gateway.rest.description import document
from gateway.rest.examples import example_of
from gateway.rest.operations import operation_of
from tests.rest import Script
from tests.routes import Route, methods_of, rest_routes
from toolsets.sync import run_sync

ROUTES = rest_routes()
PATHS: dict[str, dict[str, Any]] = document()["paths"]
OPERATIONS = [
    (path, method, described)
    for path, methods in PATHS.items()
    for method, described in methods.items()
]
HANDLERS = ("get", "post", "put", "patch", "delete")


def template(route: Route) -> str:
    """The route's path as the document writes it."""
    path = "/" + route.path
    for name in route.parameters:
        first, *rest = name.split("_")
        camel = first + "".join(word.title() for word in rest)
        start = path.rindex("<", 0, path.index(f":{name}>"))
        path = path[:start] + "{" + camel + "}" + path[path.index(">", start) + 1 :]
    return path


def test_every_route_and_method_is_described_and_nothing_else() -> None:
    routed = {(template(r), m.lower()) for r in ROUTES for m in methods_of(r)}

    assert {(path, method) for path, method, _ in OPERATIONS} == routed


def test_every_method_that_a_view_has_is_one_that_it_names_a_right_for() -> None:
    forgotten = [
        (route.view.__name__, method)
        for route in ROUTES
        for method in HANDLERS
        if hasattr(route.view, method)
        and (
            method.upper() not in route.view.rights
            or operation_of(route.view, method) is None
        )
    ]

    assert forgotten == []


def test_document_is_valid_openapi_and_made_without_a_warning() -> None:
    validate_schema(document())

    assert document()["openapi"] == "3.1.0"
    assert not GENERATOR_STATS


def test_every_operation_has_a_name_of_its_own_and_says_what_it_needs() -> None:
    names = [described["operationId"] for _, _, described in OPERATIONS]

    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)
    for path, method, described in OPERATIONS:
        assert described["summary"], (path, method)
        assert described["tags"][0], (path, method)
        assert described["security"] == [{"bearer": []}, {"session": []}]


def test_every_error_is_described_by_the_one_shape_of_errors() -> None:
    for path, method, described in OPERATIONS:
        for status, answer in described["responses"].items():
            if status >= "400":
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (
                    path,
                    method,
                    status,
                )


@pytest.mark.django_db
def test_document_is_read_without_a_key_and_not_twice() -> None:
    first = Client().get("/v1/openapi.json")
    again = Client().get("/v1/openapi.json", headers={"If-None-Match": first["ETag"]})

    assert first.json() == document()
    assert first["Content-Type"] == "application/json"
    assert (again.status_code, again.content) == (304, b"")
    assert Client().post("/v1/openapi.json").status_code == 405


@pytest.mark.django_db
def test_page_shows_every_operation_and_object_and_loads_nothing_from_elsewhere() -> (
    None
):
    answer = Client().get("/v1/docs")

    page = answer.content.decode()
    assert answer.status_code == 200
    for path, _, described in OPERATIONS:
        is_shown = f'id="{described["operationId"]}"' in page
        assert is_shown is not path.startswith("/v1/workspaces/")
    for name in document()["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', page) == []
    assert Client().post("/v1/docs").status_code == 405


@pytest.mark.parametrize(
    ("path", "method"), [(p, m) for p, m, d in OPERATIONS if "requestBody" in d]
)
def test_example_of_every_body_is_as_its_schema_asks(path: str, method: str) -> None:
    content = PATHS[path][method]["requestBody"]["content"]["application/json"]
    schemas = document()["components"]["schemas"]

    example = example_of(content["schema"], schemas)

    schema = {**content["schema"], "components": document()["components"]}
    jsonschema_rs.validate(schema, example)


@pytest.mark.django_db
def test_every_operation_can_itself_be_a_tool(rest: Script) -> None:
    adapter = {"openapi": {"document": document()}}
    body = {"metadata": {"name": "Toolcrib"}, "spec": {"adapter": adapter}}
    made = rest.post("/v1/tool_sets", body).body["metadata"]["id"]

    run_sync(made)

    events = rest.get(f"/v1/tool_sets/{made}/events", limit=1).body["items"]
    completed = events[0]["event"]["syncCompleted"]
    assert completed["toolsSynced"] == len(OPERATIONS), completed["message"]
