"""Every documented operation, under both roots, with every method, and addressed in every way."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.contract.conftest import Connect
from tests.contract.documented import (
    EVENT,
    REQUEST_METHODS,
    TOOL,
    TOOL_SET,
    deviations,
)
from tests.rest import Script
from toolsets.sync import run_sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool_set(connect: Connect) -> dict[str, Any]:
    return connect(metadata={"externalId": "sums.1", "labels": {"team": "a"}})


@pytest.fixture
def path(root: str, tool_set: dict[str, Any]) -> str:
    return f"{root}/tool_sets/{tool_set['metadata']['id']}"


@pytest.fixture
def tool_path(path: str, rest: Script) -> str:
    run_sync(path.rpartition("/")[2])
    tool = rest.get(f"{path}/tools", names="add").body["items"][0]
    rest.put(
        f"{path}/tools/{tool['metadata']['id']}", {"metadata": {"externalId": "t.1"}}
    )
    return f"{path}/tools/{tool['metadata']['id']}"


def test_every_operation_on_tool_sets_answers(
    root: str, path: str, rest: Script, tool_set: dict[str, Any]
) -> None:
    listed = rest.get(f"{root}/tool_sets")
    updated = [
        rest.send(method, path, {"spec": {"description": method}})
        for method in ("PUT", "PATCH")
    ]
    events = rest.get(f"{path}/events")
    archived, active = rest.post(f"{path}:archive"), rest.post(f"{path}:unarchive")
    deleted = rest.delete(path)

    assert listed.body["items"] == [tool_set]
    assert [(u.status, u.body["spec"]["description"]) for u in updated] == [
        (200, "PUT"),
        (200, "PATCH"),
    ]
    assert deviations([EVENT], events.body["items"]) == []
    states = [(a.status, a.body["state"]) for a in (archived, active)]
    assert states == [(200, "STATE_ARCHIVED"), (200, "STATE_ACTIVE")]
    assert deviations([TOOL_SET] * 2, [archived.body, active.body]) == []
    assert (deleted.status, deleted.body) == (204, None)
    assert rest.get(path).status == 404


def test_every_operation_on_synced_tools_answers(
    path: str, tool_path: str, rest: Script
) -> None:
    read = rest.get(tool_path)
    updated = [
        rest.send(method, tool_path, {"spec": {"requiresApproval": required}})
        for method, required in (("PUT", True), ("PATCH", False))
    ]
    omitted, restored = (
        rest.post(f"{tool_path}:omit"),
        rest.post(f"{tool_path}:restore"),
    )
    refused = [
        rest.post(f"{path}/tools", {"metadata": {"name": "x"}}),
        rest.delete(tool_path),
    ]

    assert (
        deviations([TOOL], [a.body for a in (read, *updated, omitted, restored)]) == []
    )
    assert [a.body["spec"]["requiresApproval"] for a in updated] == [True, False]
    assert omitted.body["spec"]["status"] == "TOOL_STATUS_OMITTED"
    assert restored.body["spec"]["status"] == "TOOL_STATUS_AVAILABLE"
    assert [(a.status, a.code) for a in refused] == [(409, "tools_are_synced")] * 2


def test_delete_may_come_with_a_content_type_and_no_body(
    path: str, rest: Script
) -> None:
    answer = Client().generic(
        "DELETE",
        path,
        data=b"",
        content_type="application/json",
        headers={"Authorization": f"Bearer {rest.token}"},
    )

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_external_ids_and_verbs_are_addressed_with_a_raw_and_an_encoded_colon(
    colon: str, root: str, tool_path: str, tool_set: dict[str, Any], rest: Script
) -> None:
    here = f"{root}/tool_sets/external_id{colon}sums.1"
    there = f"{here}/tools/external_id{colon}t.1"

    assert rest.get(here).body["metadata"]["id"] == tool_set["metadata"]["id"]
    assert rest.get(f"{here}/tools").status == 200
    assert rest.get(f"{here}/events").status == 200
    assert rest.get(there).body["metadata"]["id"] == tool_path.rpartition("/")[2]
    assert rest.post(f"{there}{colon}omit").status == 200
    assert rest.post(f"{there}{colon}restore").status == 200
    assert rest.post(f"{here}{colon}archive").status == 200
    assert rest.post(f"{here}{colon}unarchive").status == 200


def test_no_path_ends_in_a_slash(root: str, path: str, rest: Script) -> None:
    for one in (f"{root}/tool_sets", path, f"{path}/tools", f"{path}/events"):
        assert rest.get(f"{one}/").status == 404


def test_addresses_of_another_workspace_lead_nowhere(
    path: str, root: str, elsewhere: Script
) -> None:
    at_home = path if "workspaces" not in root else path.replace(root, "/v1")

    assert elsewhere.get(path).status == 404
    assert elsewhere.get(at_home).status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
@pytest.mark.parametrize(
    "mask",
    [
        "spec.description,metadata.externalId",
        "spec.description,metadata.external_id",
        ["spec.description", "metadata.externalId"],
        {"paths": ["spec.description", "metadata.external_id"]},
    ],
)
def test_only_what_the_mask_names_is_replaced(
    method: str, spelling: str, mask: Any, path: str, rest: Script
) -> None:
    metadata = {"name": "Ignored", "externalId": "sums.2", "labels": {"no": "no"}}
    update = {"metadata": metadata, "spec": {"description": "New."}, spelling: mask}

    body = rest.send(method, path, update).body

    assert body["metadata"]["name"] == "Arithmetic"
    assert body["metadata"]["labels"] == {"team": "a"}
    assert body["metadata"]["externalId"] == "sums.2"
    assert body["spec"]["description"] == "New."


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
def test_mask_may_be_a_query_parameter_and_an_absent_value_clears(
    method: str, spelling: str, path: str, rest: Script
) -> None:
    body = rest.send(
        method,
        path,
        {"metadata": {"name": "Ignored"}},
        query={spelling: "metadata.labels,metadata.external_id"},
    ).body

    assert body["metadata"]["labels"] == {}
    assert body["metadata"]["externalId"] == ""
    assert body["metadata"]["name"] == "Arithmetic"


def test_without_a_mask_members_that_are_present_are_replaced_and_others_stay(
    path: str, tool_set: dict[str, Any], rest: Script
) -> None:
    body = rest.put(
        path, {"metadata": {"name": "Sums"}, "spec": {"description": "D"}}
    ).body

    assert body["metadata"] == {**tool_set["metadata"], "name": "Sums"}
    assert body["spec"] == {**tool_set["spec"], "description": "D"}


def test_masked_member_of_the_adapter_is_replaced_whole(
    path: str, rest: Script, upstream: str
) -> None:
    mcp = {"url": upstream, "headers": {"X-B": "2"}}
    rest.put(
        path, {"spec": {"adapter": {"mcp": {"url": upstream, "headers": {"X-A": "1"}}}}}
    )

    update = {
        "spec": {"adapter": {"mcp": mcp}},
        "updateMask": "spec.adapter.mcp.headers",
    }
    body = rest.put(path, update).body

    assert body["spec"]["adapter"] == {"mcp": mcp}


def test_what_was_read_may_be_sent_back_as_it_is(
    path: str, tool_path: str, rest: Script
) -> None:
    for one in (path, tool_path):
        read = rest.get(one, includeInfo="true").body
        sent = rest.put(one, read, includeInfo="true")
        assert sent.status == 200, sent.body
        assert sent.body | {"health": "", "info": ""} == read | {
            "health": "",
            "info": "",
        }


def _unknown() -> Iterator[tuple[str, dict[str, Any], str]]:
    adapter = {"mcp": {"url": "https://mcp.example.com"}}
    spec: dict[str, Any] = {"adapter": adapter}
    yield "POST", {"metadata": {"name": "x"}, "spec": spec, "sepc": {}}, "sepc"
    yield (
        "POST",
        {"metadata": {"name": "x", "lables": {}}, "spec": spec},
        "metadata.lables",
    )
    yield "POST", {"metadata": {"name": "x"}, "spec": {**spec, "desc": ""}}, "spec.desc"
    yield (
        "POST",
        {"metadata": {"name": "x"}, "spec": {"adapter": {"mpc": adapter["mcp"]}}},
        "spec.adapter.mpc",
    )
    yield (
        "POST",
        {
            "metadata": {"name": "x"},
            "spec": {"adapter": {"mcp": {**adapter["mcp"], "uri": ""}}},
        },
        "spec.adapter.mcp.uri",
    )


@pytest.mark.parametrize(("method", "body", "field"), list(_unknown()))
def test_unknown_members_are_refused_by_name(
    method: str, body: dict[str, Any], field: str, root: str, rest: Script
) -> None:
    answer = rest.send(method, f"{root}/tool_sets", body)

    assert (answer.status, answer.code, list(answer.fields)) == (
        400,
        "invalid_argument",
        [field],
    )


@pytest.mark.parametrize(
    ("text", "status"), [("a\x00b", 400), ("a\\\\u0000", 201), ("\\\\\x00", 400)]
)
def test_no_text_of_a_body_holds_a_nul(
    text: str, status: int, root: str, rest: Script, upstream: str
) -> None:
    matcher = {"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": text}}
    adapter = {"mcp": {"url": upstream, "includeTools": {"filters": [matcher]}}}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Nul"}, "spec": {"adapter": adapter}},
    )

    assert answer.status == status, answer.body


def test_taken_external_id_is_a_conflict_that_names_the_id_that_has_it(
    root: str, rest: Script, tool_set: dict[str, Any], upstream: str
) -> None:
    body = {
        "metadata": {"name": "Again", "externalId": "sums.1"},
        "spec": {"adapter": {"mcp": {"url": upstream}}},
    }

    answer = rest.post(f"{root}/tool_sets", body)

    assert (answer.status, answer.code) == (409, "external_id_taken")
    assert tool_set["metadata"]["id"] in answer.body["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("status", ["TOOL_STATUS_FILTERED", "TOOL_STATUS_OMITTED"])
def test_status_that_takes_a_tool_out_by_hand_is_stored_as_omitted(
    status: str, tool_path: str, rest: Script
) -> None:
    update = {"spec": {"status": status}, "updateMask": "spec.status"}

    assert rest.put(tool_path, update).body["spec"]["status"] == "TOOL_STATUS_OMITTED"


def test_unspecified_means_not_given_and_is_never_stored(
    path: str, tool_path: str, rest: Script, upstream: str
) -> None:
    chosen = {
        "operator": "OPERATOR_UNSPECIFIED",
        "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": "add"}}],
    }
    mcp = {"url": upstream, "includeTools": chosen}

    tool = rest.put(tool_path, {"spec": {"status": "TOOL_STATUS_UNSPECIFIED"}}).body
    tool_set = rest.put(path, {"spec": {"adapter": {"mcp": mcp}}}).body
    nameless = {"attribute": "ATTRIBUTE_UNSPECIFIED", "matcher": {"exact": "add"}}
    mcp["includeTools"] = {"filters": [nameless]}
    refused = rest.put(path, {"spec": {"adapter": {"mcp": mcp}}})

    assert tool["spec"]["status"] == "TOOL_STATUS_AVAILABLE"
    assert tool_set["spec"]["adapter"]["mcp"]["includeTools"] == {
        **chosen,
        "operator": "OPERATOR_AND",
    }
    assert (refused.status, list(refused.fields)) == (
        400,
        ["spec.adapter.mcp.includeTools"],
    )


@pytest.mark.parametrize(
    "adapter",
    [
        {"mcp": {"url": "https://a.example"}, "type": "mcp"},
        {"mcp": {"url": "https://a.example"}, "http": None},
        {
            "mcp": {
                "url": "https://a.example",
                "toolApprovals": {"always": True, "type": "always"},
            }
        },
        {"http": {"baseUrl": "https://a.example"}, "type": "http"},
    ],
)
def test_unions_take_the_tag_that_agrees_and_never_answer_it(
    adapter: dict[str, Any], root: str, rest: Script
) -> None:
    made = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Tagged"}, "spec": {"adapter": adapter}},
    )

    assert made.status == 201, made.body
    assert '"type"' not in str(made.body["spec"]["adapter"]).replace("'", '"')


def test_tag_that_disagrees_is_refused(root: str, rest: Script) -> None:
    adapter = {"mcp": {"url": "https://a.example"}, "type": "http"}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Tagged"}, "spec": {"adapter": adapter}},
    )

    assert (answer.status, list(answer.fields)) == (400, ["spec.adapter.type"])


def test_bundle_key_may_be_set_on_creation_and_later(
    path: str, tool_path: str, rest: Script
) -> None:
    for one in (path, tool_path):
        body = rest.put(one, {"metadata": {"bundleKey": "infra"}}).body
        assert body["metadata"]["bundleKey"] == "infra"


def test_managed_is_readable_and_settable_by_keys(path: str, rest: Script) -> None:
    assert rest.get(path).body["managed"] is False
    assert rest.put(path, {"managed": True}).body["managed"] is True


def test_upload_is_refused_with_a_word_about_the_document(
    root: str, rest: Script
) -> None:
    adapter = {"openapi": {"uploadId": "upl_1"}}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Docs"}, "spec": {"adapter": adapter}},
    )

    assert answer.status == 400
    assert "document" in answer.fields["spec.adapter.openapi.uploadId"]


def test_ids_are_quoted_as_clients_quote_them(
    root: str, path: str, rest: Script
) -> None:
    reference = quote("external_id:sums.1", safe="")

    assert rest.get(f"{root}/tool_sets/{reference}").status == 200


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
