"""Tools that are written by hand, and tools of OpenAPI documents: every field, every operation."""

import json
from typing import Any

import pytest

from tests.contract.conftest import Connect
from tests.contract.documented import (
    REQUEST_METHODS,
    TOOL,
    TOOL_SET,
    deviations,
)
from tests.rest import Script
from toolsets.sync import run_sync

pytestmark = pytest.mark.django_db


HTTP_CONFIG = {
    "path": "/users/{{ id }}/notes",
    "query": "verbose={{ verbose }}",
    "headers": {"X-Trace": "{{ trace }}"},
    "requestBodyContentType": "application/json",
    "requestBodyTemplate": '{"text": {{ text }}}',
    "toolName": "addNote",
}


@pytest.fixture
def api(connect: Connect, root: str) -> str:
    """The path of a tool set whose tools are written by hand."""
    http = {"baseUrl": "https://api.example.com"}
    made = connect("API", adapter={"http": http})
    return f"{root}/tool_sets/{made['metadata']['id']}"


def new_tool(method: str, **members: Any) -> dict[str, Any]:
    spec = {
        "config": {"http": {"requestMethod": method, **HTTP_CONFIG}},
        "description": "Adds a note.",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
        "status": "TOOL_STATUS_AVAILABLE",
        "requiresApproval": True,
        **members,
    }
    metadata = {"name": "add_note", "externalId": "n.1", "labels": {"team": "a"}}
    return {"metadata": metadata, "spec": spec}


@pytest.mark.parametrize("method", REQUEST_METHODS)
def test_tools_of_http_sets_come_back_with_every_field_that_they_were_given(
    method: str, api: str, rest: Script
) -> None:
    given = new_tool(method)

    made = rest.post(f"{api}/tools", given)
    read = rest.get(f"{api}/tools/external_id:n.1")

    assert (made.status, deviations(TOOL, made.body)) == (201, [])
    assert made.body == read.body
    assert read.body["spec"] == given["spec"]
    assert read.body["metadata"] | given["metadata"] == read.body["metadata"]


def test_every_operation_on_hand_written_tools_answers(api: str, rest: Script) -> None:
    made = rest.post(f"{api}/tools", new_tool("GET"))
    path = f"{api}/tools/{made.body['metadata']['id']}"
    config = {"http": {"requestMethod": "DELETE", "path": "/users"}, "type": "http"}

    updated = [
        rest.send(
            m, path, {"spec": {"description": m}, "updateMask": "spec.description"}
        )
        for m in ("PUT", "PATCH")
    ]
    masked = {"metadata": {"name": "x"}, "spec": {"config": config}}
    replaced = rest.put(path, {**masked, "updateMask": "spec.config"})
    deleted = rest.delete(path)

    assert [u.body["spec"]["description"] for u in updated] == ["PUT", "PATCH"]
    assert replaced.body["metadata"]["name"] == "add_note"
    assert replaced.body["spec"]["config"]["http"]["requestMethod"] == "DELETE"
    assert replaced.body["spec"]["config"]["http"]["query"] == ""
    assert (deleted.status, deleted.body) == (204, None)
    assert rest.get(path).status == 404


def test_config_needs_little_and_has_defaults(api: str, rest: Script) -> None:
    config = {"requestMethod": "HTTP_METHOD_UNSPECIFIED", "path": "/users"}
    spec = {"config": {"http": config}, "description": "", "parameters": {}}

    made = rest.post(f"{api}/tools", {"metadata": {"name": "list_users"}, "spec": spec})

    assert deviations(TOOL, made.body) == []
    assert made.body["spec"]["config"]["http"]["requestMethod"] == "GET"
    assert made.body["spec"]["config"]["http"]["toolName"] == "list_users"
    assert made.body["spec"]["status"] == "TOOL_STATUS_AVAILABLE"


def test_tools_of_openapi_sets_have_every_field(
    root: str, rest: Script, connect: Connect
) -> None:
    operation = {"operationId": "getUser", "responses": {"200": {"description": "OK"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Users", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {
            "/users/{id}": {
                "get": operation,
                "parameters": [
                    {
                        "name": "id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ],
            }
        },
    }
    everything = {
        "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"regex": "."}}]
    }
    openapi = {
        "document": document,
        "baseUrl": "https://other.example.com",
        "headers": {"X-Team": "a"},
        "includeTools": {"operator": "OPERATOR_OR", **everything},
        "toolApprovals": {"only": {"operator": "OPERATOR_AND", **everything}},
    }
    made = connect("Users", adapter={"openapi": openapi})
    run_sync(made["metadata"]["id"])

    path = f"{root}/tool_sets/{made['metadata']['id']}"
    tools = rest.get(f"{path}/tools").body["items"]
    spec = rest.get(f"{path}/openapi_spec").body

    assert deviations(TOOL_SET, made) == []
    assert deviations([TOOL], tools) == []
    assert [tool["spec"]["config"] for tool in tools] == [
        {"openapi": {"method": "GET", "path": "/users/{id}", "operationId": "getUser"}}
    ]
    assert tools[0]["spec"]["requiresApproval"] is True
    assert set(spec) == {"spec"}
    assert json.loads(spec["spec"]) == document
