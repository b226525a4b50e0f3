"""Hand-written tools over REST: created, changed by mask, and deleted."""

from typing import Any

import pytest

from tests.conftest import Person
from tests.rest import Answer, Script
from toolsets.models import Tool, ToolSet

PARAMETERS = {"type": "object", "properties": {"fish_id": {"type": "string"}}}
CONFIG = {
    "requestMethod": "POST",
    "path": "/fish/{{ fish_id }}",
    "query": "",
    "headers": {"X-Key": "${KEY}"},
    "requestBodyContentType": "application/json",
    "requestBodyTemplate": '{"id": {{ fish_id }}}',
    "toolName": "feedFish",
}


@pytest.fixture
def tools(rest: Script) -> str:
    """The address of the tools of a new set."""
    adapter = {"http": {"baseUrl": "https://api.example.com"}}
    body = {"metadata": {"name": "Fish"}, "spec": {"adapter": adapter}}
    made = rest.post("/v1/tool_sets", body)
    return f"/v1/tool_sets/{made.body['metadata']['id']}/tools"


def body(name: str = "feed_fish", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"description": "Feeds.", **spec}}


def create(rest: Script, tools: str, **spec: Any) -> Answer:
    given = {"parameters": PARAMETERS, "config": {"http": CONFIG}, **spec}
    made = rest.post(tools, body(**given))
    assert made.status == 201, made.body
    return made


def test_tool_is_created_with_every_member(rest: Script, tools: str) -> None:
    made = create(rest, tools)

    spec = made.body["spec"]
    assert spec == {
        "config": {"http": CONFIG},
        "description": "Feeds.",
        "parameters": PARAMETERS,
        "status": "TOOL_STATUS_AVAILABLE",
        "requiresApproval": False,
    }
    assert made.body["metadata"]["name"] == "feed_fish"
    assert rest.get(f"{tools}/{made.body['metadata']['id']}").body == made.body


def test_what_is_not_given_is_shown_as_it_counts(rest: Script, tools: str) -> None:
    config = {"http": {"requestMethod": "HTTP_METHOD_UNSPECIFIED", "path": None, "query": ""}, "type": "http"}  # fmt: skip

    made = rest.post(
        tools, body(name="plain", config=config, status="TOOL_STATUS_UNSPECIFIED")
    )

    assert made.body["spec"]["config"]["http"] == {
        "requestMethod": "GET",
        "path": "",
        "query": "",
        "headers": {},
        "requestBodyContentType": "",
        "requestBodyTemplate": "",
        "toolName": "plain",
    }
    assert made.body["spec"]["parameters"] == {"type": "object", "properties": {}}
    assert Tool.objects.get().config == {}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"spec": {}}, "metadata"),
        ({"metadata": {"name": "a\tb"}}, "metadata.name"),
        (body(config={"mcp": {"toolName": "x"}}), "spec.config"),
        (body(config={"http": "x"}), "spec.config.http"),
        (body(config={"http": {}, "type": "mcp"}), "spec.config.type"),
        (body(config={"http": {"url": "/"}}), "spec.config.http.url"),
        (body(config={"http": {"path": "/{{"}}), "spec.config.http.path"),
        (
            body(config={"http": {"requestMethod": "get"}}),
            "spec.config.http.requestMethod",
        ),
        (
            body(config={"http": {"headers": {"Host": "a"}}}),
            "spec.config.http.headers",
        ),
        (body(parameters={"type": "string"}), "spec.parameters"),
        (body(status="TOOL_STATUS_ODD"), "spec.status"),
        (body(color="red"), "spec.color"),
    ],
)
def test_wrong_body_names_the_field(
    rest: Script, tools: str, given: dict[str, Any], field: str
) -> None:
    answer = rest.post(tools, given)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert list(answer.fields) == [field]
    assert not Tool.objects.exists()


def test_bad_template_names_the_line(rest: Script, tools: str) -> None:
    config = {"http": {"requestBodyTemplate": '{\n"a": {{ b\n}'}}

    answer = rest.post(tools, body(config=config))

    (said,) = answer.fields.values()
    assert said.startswith("Line 2: ")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("mask", "spec", "changed"),
    [
        ("spec.config.http.path", {"config": {"http": {"path": "/a", "query": "b"}}}, {"path": "/a"}),
        ("spec.config.http.request_method", {"config": {"http": {"requestMethod": "PUT"}}}, {"requestMethod": "PUT"}),
        ("spec.config.http.headers.X-Key", {"config": {"http": {"headers": {"X-Key": "b"}}}}, {"headers": {"X-Key": "b"}}),
        ("spec.config.http.headers", {}, {"headers": {}}),
        ("spec.config.http.toolName", {"config": {"http": {}}}, {"toolName": "feed_fish"}),
    ],
)  # fmt: skip
def test_mask_changes_one_member_of_the_configuration(
    rest: Script,
    tools: str,
    method: str,
    mask: str,
    spec: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    made = create(rest, tools)
    path = f"{tools}/{made.body['metadata']['id']}"

    answer = rest.send(method, path, {"updateMask": mask, "spec": spec})

    assert answer.status == 200, answer.body
    assert answer.body["spec"]["config"]["http"] == {**CONFIG, **changed}


def test_name_description_and_parameters_change(rest: Script, tools: str) -> None:
    made = create(rest, tools)
    path = f"{tools}/{made.body['metadata']['id']}"
    parameters = {"type": "object", "properties": {"fish_name": {"type": "string"}}}

    answer = rest.put(
        path,
        {
            "updateMask": "metadata.name,spec.description,spec.parameters",
            "metadata": {"name": "feed"},
            "spec": {"parameters": parameters},
        },
    )

    assert answer.body["metadata"]["name"] == "feed"
    assert answer.body["spec"]["description"] == ""
    assert answer.body["spec"]["parameters"] == parameters
    assert answer.body["spec"]["config"]["http"] == CONFIG


def test_answer_sent_back_changes_nothing(rest: Script, tools: str) -> None:
    made = create(rest, tools)
    path = f"{tools}/{made.body['metadata']['id']}"

    assert rest.put(path, made.body).body == made.body


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("TOOL_STATUS_OMITTED", "TOOL_STATUS_OMITTED"),
        ("TOOL_STATUS_FILTERED", "TOOL_STATUS_OMITTED"),
        ("TOOL_STATUS_ARCHIVED", "TOOL_STATUS_ARCHIVED"),
    ],
)
def test_status_is_decided_by_hand(
    rest: Script, tools: str, status: str, shown: str
) -> None:
    made = create(rest, tools)
    path = f"{tools}/{made.body['metadata']['id']}"

    out = rest.patch(path, {"spec": {"status": status}})
    back = rest.patch(path, {"spec": {"status": "TOOL_STATUS_AVAILABLE"}})

    assert out.body["spec"]["status"] == shown
    assert back.body["spec"]["status"] == "TOOL_STATUS_AVAILABLE"


def test_external_id_is_taken_once(rest: Script, tools: str) -> None:
    named = {"metadata": {"name": "one", "externalId": "x"}}
    made = rest.post(tools, named)

    again = rest.post(tools, {"metadata": {"name": "two", "externalId": "x"}})

    assert (again.status, again.code) == (409, "external_id_taken")
    assert made.body["metadata"]["id"] in again.body["message"]
    assert rest.get(f"{tools}/external_id:x").body == made.body


def test_deleted_tool_is_gone(rest: Script, tools: str) -> None:
    made = create(rest, tools)
    path = f"{tools}/{made.body['metadata']['id']}"

    deleted = rest.delete(path)

    assert (deleted.status, deleted.body) == (204, None)
    assert rest.get(path).status == 404


def test_other_workspaces_set_takes_no_tool(
    rest: Script, tools: str, elsewhere: Script
) -> None:
    assert elsewhere.post(tools, body()).status == 404


def test_managed_set_takes_tools_from_keys(
    rest: Script, tools: str, alice: Person
) -> None:
    ToolSet.objects.update(is_managed=True)

    assert create(rest, tools).status == 201
