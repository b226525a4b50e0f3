"""Tool sets over REST."""

from typing import Any

import pytest

from gateway.audit.models import AuditEvent
from gateway.identity.models import Membership, Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from toolsets.models import SyncState, Tool, ToolSet

pytestmark = pytest.mark.django_db

URL = "https://mcp.example.com/mcp"


def adapter(**members: Any) -> dict[str, Any]:
    return {"mcp": {"url": URL, **members}}


def created(rest: Script, name: str = "GitHub", **metadata: Any) -> dict[str, Any]:
    answer = rest.post(
        "/v1/tool_sets",
        {"metadata": {"name": name, **metadata}, "spec": {"adapter": adapter()}},
    )
    assert answer.status == 201, answer.body
    body: dict[str, Any] = answer.body
    return body


def test_created_tool_set_has_exactly_the_documented_shape(
    rest: Script, workspace: Workspace
) -> None:
    answer = rest.post(
        "/v1/tool_sets",
        {
            "metadata": {
                "name": "GitHub",
                "externalId": "gh.1",
                "labels": {"team": "a"},
            },
            "spec": {
                "description": "Code.",
                "adapter": adapter(headers={"X-Key": "${KEY}"}),
            },
        },
    )

    assert rest.key is not None
    metadata = answer.body["metadata"]
    assert answer.status == 201
    assert metadata.pop("id").startswith("ts_")
    assert metadata.pop("createdAt").endswith("Z")
    assert answer.body == {
        "metadata": {
            "accountId": workspace.account_id,
            "workspaceId": workspace.pk,
            "profileId": rest.key.profile_id,
            "name": "GitHub",
            "externalId": "gh.1",
            "labels": {"team": "a"},
            "bundleKey": "",
        },
        "spec": {
            "description": "Code.",
            "adapter": {"mcp": {"url": URL, "headers": {"X-Key": "${KEY}"}}},
            "tags": [],
            "interactions": {},
            "allowedNetworks": [],
            "syncIntervalSeconds": None,
        },
        "managed": False,
        "state": "STATE_ACTIVE",
        "slug": "github",
        "health": "new",
    }


def test_created_tool_set_is_due_for_its_first_sync_and_audited(rest: Script) -> None:
    made = created(rest)

    state = SyncState.objects.get(tool_set=made["metadata"]["id"])
    assert state.due_at is not None
    event = AuditEvent.objects.get(action="tool_set.created")
    assert (event.subject_id, event.source) == (made["metadata"]["id"], "api")


def test_info_comes_only_when_it_is_asked_for(rest: Script) -> None:
    made = created(rest)
    path = f"/v1/tool_sets/{made['metadata']['id']}"
    tool_set = ToolSet.objects.get(pk=made["metadata"]["id"])
    Tool.objects.create(
        workspace=tool_set.workspace,
        tool_set=tool_set,
        name="search",
        created_by=tool_set.created_by,
    )

    plain, full = rest.get(path), rest.get(path, includeInfo="true")

    assert "info" not in plain.body
    info = full.body["info"]
    assert (info["agentCount"], info["toolCount"]) == (0, 1)
    assert info["createdBy"]["spec"]["type"] == "PROFILE_TYPE_API_KEY"
    assert set(info) == {"agentCount", "toolCount", "createdBy"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"spec": {"adapter": adapter()}}, "metadata"),
        ({"metadata": {"name": ""}, "spec": {"adapter": adapter()}}, "metadata.name"),
        ({"metadata": {"name": 5}, "spec": {"adapter": adapter()}}, "metadata.name"),
        ({"metadata": {"name": "x"}, "spec": {}}, "spec.adapter"),
        ({"metadata": {"name": "x"}, "spec": {"adapter": {}}}, "spec.adapter"),
        (
            {"metadata": {"name": "x", "nmae": 1}, "spec": {"adapter": adapter()}},
            "metadata.nmae",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": adapter()}, "bogus": 1},
            "bogus",
        ),
        (
            {
                "metadata": {"name": "x", "externalId": "a b"},
                "spec": {"adapter": adapter()},
            },
            "metadata.externalId",
        ),
        (
            {
                "metadata": {"name": "x", "labels": {"a b": "c"}},
                "spec": {"adapter": adapter()},
            },
            "metadata.labels",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": {"mcp": {}}}},
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "ftp://a"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://me:pw@a.example"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a.example/#x"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a.example\\.b/"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a%2eexample/"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": adapter(nope=1)}},
            "spec.adapter.mcp.nope",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"Host": "a"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"X-A": "a\r\nb: c"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"X-A": "${lower}"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {
                    "adapter": adapter(
                        includeTools={
                            "filters": [
                                {"attribute": "NAME", "matcher": {"exact": "a"}}
                            ]
                        }
                    )
                },
            },
            "spec.adapter.mcp.includeTools",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {**adapter(), "type": "http"}},
            },
            "spec.adapter.type",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"openapi": {"uploadId": "up_1"}}},
            },
            "spec.adapter.openapi.uploadId",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"http": {"baseUrl": "https://a.example/?q"}}},
            },
            "spec.adapter.http.baseUrl",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"openapi": {"baseUrl": "https://a.example"}}},
            },
            "spec.adapter.openapi.document",
        ),
    ],
)
def test_wrong_body_is_a_400_that_names_the_field(
    body: dict[str, Any], field: str, rest: Script
) -> None:
    answer = rest.post("/v1/tool_sets", body)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert list(answer.fields) == [field]
    assert answer.headers["x-should-retry"] == "false"
    assert not ToolSet.objects.exists()


def test_body_that_is_no_object_or_no_json_is_a_400(rest: Script) -> None:
    answer = rest.post("/v1/tool_sets", ["x"])

    assert (answer.status, answer.code) == (400, "invalid_argument")


def test_tags_of_unions_that_agree_are_taken_and_never_sent(rest: Script) -> None:
    spoken = {
        "type": "mcp",
        "mcp": {
            "url": URL,
            "toolApprovals": {
                "type": "only",
                "only": {
                    "operator": "OPERATOR_UNSPECIFIED",
                    "filters": [
                        {
                            "attribute": "ATTRIBUTE_NAME",
                            "matcher": {"type": "startsWith", "startsWith": "del"},
                        }
                    ],
                },
            },
        },
    }

    answer = rest.post(
        "/v1/tool_sets", {"metadata": {"name": "x"}, "spec": {"adapter": spoken}}
    )

    condition = {"attribute": "ATTRIBUTE_NAME", "matcher": {"startsWith": "del"}}
    only = {"operator": "OPERATOR_AND", "filters": [condition]}
    assert answer.body["spec"]["adapter"] == {
        "mcp": {"url": URL, "toolApprovals": {"only": only}}
    }


def test_second_set_with_an_external_id_is_a_409_that_names_the_first(
    rest: Script,
) -> None:
    first = created(rest, externalId="gh")

    answer = rest.post(
        "/v1/tool_sets",
        {"metadata": {"name": "B", "externalId": "gh"}, "spec": {"adapter": adapter()}},
    )

    assert (answer.status, answer.code) == (409, "external_id_taken")
    assert first["metadata"]["id"] in answer.body["message"]


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_external_id_stands_for_the_id_in_a_path(colon: str, rest: Script) -> None:
    made = created(rest, externalId="gh.1")

    answer = rest.get(f"/v1/tool_sets/external_id{colon}gh.1")
    archived = rest.post(f"/v1/tool_sets/external_id{colon}gh.1{colon}archive")

    assert answer.body["metadata"]["id"] == made["metadata"]["id"]
    assert archived.body["state"] == "STATE_ARCHIVED"


def test_workspace_tree_serves_the_tokens_workspace_and_no_other(
    rest: Script, workspace: Workspace, other_workspace: Workspace
) -> None:
    made = created(rest)

    here = rest.get(f"/v1/workspaces/{workspace.pk}/tool_sets")
    there = rest.get(f"/v1/workspaces/{other_workspace.pk}/tool_sets")

    assert [item["metadata"]["id"] for item in here.body["items"]] == [
        made["metadata"]["id"]
    ]
    assert (there.status, there.code) == (404, "not_found")


def test_pages_follow_each_other_and_an_empty_page_carries_no_cursor(
    rest: Script,
) -> None:
    made = [created(rest, name=f"Set {n}")["metadata"]["id"] for n in range(5)]
    made.sort()

    seen, cursor, pages = [], "", 0
    while True:
        body = rest.get("/v1/tool_sets", limit=2, cursor=cursor).body
        seen += [item["metadata"]["id"] for item in body["items"]]
        pages += 1
        assert body["pagination"]["nextCursor"] == body["pagination"]["next_cursor"]
        cursor = body["pagination"]["nextCursor"]
        if not cursor:
            break
    newest_first = rest.get("/v1/tool_sets", sortOrder="desc").body["items"]
    none = rest.get("/v1/tool_sets", query="nothing is called so").body

    assert (seen, pages) == (made, 3)
    assert [item["metadata"]["id"] for item in newest_first] == made[::-1]
    assert none == {"items": [], "pagination": {"nextCursor": "", "next_cursor": ""}}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"prefix": "git"}, ["GitHub"]),
        ({"prefix": "ext-"}, ["Jira"]),
        ({"query": "hub"}, ["GitHub"]),
        ({"labels": "team=a,2=x"}, ["GitHub"]),
        ({"labels": "team=a"}, ["GitHub", "Jira"]),
        ({"labels": "team=b"}, []),
        ({"labels": 'a"b=c'}, []),
        ({"bundleKey": "main"}, ["Jira"]),
        ({"bundle_key": "main"}, ["Jira"]),
        ({"state": "STATE_ARCHIVED"}, ["Old"]),
        ({"state": "STATE_UNSPECIFIED"}, ["GitHub", "Jira"]),
        ({"state": ["STATE_ACTIVE", "STATE_ARCHIVED"]}, ["GitHub", "Jira", "Old"]),
        ({}, ["GitHub", "Jira"]),
    ],
)
def test_lists_filter(query: dict[str, Any], names: list[str], rest: Script) -> None:
    created(rest, "GitHub", labels={"team": "a", "2": "x"})
    created(rest, "Jira", labels={"team": "a"}, externalId="ext-j", bundleKey="main")
    old = created(rest, "Old")["metadata"]["id"]
    rest.post(f"/v1/tool_sets/{old}:archive")

    answer = rest.get("/v1/tool_sets", **query)

    assert sorted(item["metadata"]["name"] for item in answer.body["items"]) == names


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "x"},
        {"cursor": "!!!"},
        {"sortOrder": "up"},
        {"state": "ACTIVE"},
        {"labels": "team"},
        {"includeInfo": "maybe"},
        {"query": "a\x00b"},
        {"labels": "a=\x00"},
    ],
)
def test_wrong_query_is_a_400_that_names_the_parameter(
    query: dict[str, str], rest: Script
) -> None:
    answer = rest.get("/v1/tool_sets", **query)

    assert answer.status == 400
    assert list(answer.fields) == list(query)


def test_put_without_a_mask_replaces_what_is_present_and_keeps_the_rest(
    rest: Script,
) -> None:
    made = created(rest, externalId="gh", labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"

    answer = rest.put(
        path, {"metadata": {"name": "Hub"}, "spec": {"description": "New."}}
    )

    assert answer.status == 200, answer.body
    assert answer.body["metadata"]["name"] == "Hub"
    assert answer.body["metadata"]["externalId"] == "gh"
    assert answer.body["metadata"]["labels"] == {"a": "1"}
    assert answer.body["spec"]["description"] == "New."
    assert answer.body["spec"]["adapter"] == adapter()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "mask",
    ["metadata.externalId,spec.description", "metadata.external_id, spec.description"],
)
def test_masked_fields_are_replaced_or_cleared_and_nothing_else_is_looked_at(
    method: str, mask: str, rest: Script
) -> None:
    made = created(rest, externalId="gh", labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"

    answer = rest.send(
        method,
        path,
        {
            "metadata": {"name": "Ignored", "labels": "not even labels"},
            "spec": {"description": "New.", "bogus": 1},
            "updateMask": mask,
        },
    )

    assert answer.status == 200, answer.body
    assert answer.body["metadata"]["name"] == "GitHub"
    assert answer.body["metadata"]["externalId"] == ""
    assert answer.body["metadata"]["labels"] == {"a": "1"}
    assert answer.body["spec"]["description"] == "New."


def test_mask_may_come_as_a_query_parameter_and_reach_into_the_adapter(
    rest: Script,
) -> None:
    made = created(rest)
    path = f"/v1/tool_sets/{made['metadata']['id']}"
    headers = {"X-Team": "tools"}
    rest.put(path, {"spec": {"adapter": adapter(headers={"X-A": "1", "X-B": "2"})}})

    answer = rest.put(
        path,
        {"metadata": {"name": "x"}, "spec": {"adapter": {"mcp": {"headers": headers}}}},
        updateMask="spec.adapter.mcp.headers",
    )
    cleared = rest.put(path, {}, updateMask="spec.adapter.mcp.headers")

    assert answer.body["spec"]["adapter"] == adapter(headers=headers)
    assert cleared.body["spec"]["adapter"] == adapter()


@pytest.mark.parametrize(
    ("mask", "field"),
    [
        ("metadata.id", "updateMask"),
        ("spec.nope", "updateMask"),
        ("spec.adapter.mcp.nope", "updateMask"),
        ("metadata.name.first", "updateMask"),
        ("metadata.name", "metadata.name"),
        ("spec.adapter", "spec.adapter"),
        ("a b", "updateMask"),
    ],
)
def test_mask_that_names_nothing_or_clears_what_must_be_is_a_400(
    mask: str, field: str, rest: Script
) -> None:
    made = created(rest)

    answer = rest.put(
        f"/v1/tool_sets/{made['metadata']['id']}", {"updateMask": mask, "spec": {}}
    )

    assert answer.status == 400
    assert list(answer.fields) == [field]


def test_answer_sent_back_as_it_came_changes_nothing(rest: Script) -> None:
    made = created(rest, labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"
    before = rest.get(path, includeInfo="true").body

    answer = rest.put(path, before)

    assert answer.status == 200, answer.body
    assert rest.get(path, includeInfo="true").body == before
    assert not AuditEvent.objects.filter(action="tool_set.updated").exists()


def test_changed_adapter_gets_a_version_and_is_due_and_hides_headers_in_the_audit(
    rest: Script,
) -> None:
    made = created(rest)["metadata"]["id"]
    SyncState.objects.filter(tool_set=made).update(due_at=None)

    rest.put(
        f"/v1/tool_sets/{made}",
        {"spec": {"adapter": adapter(headers={"X-Key": "hunter2"})}},
    )

    assert ToolSet.objects.get(pk=made).adapter_version == 2
    assert SyncState.objects.get(tool_set=made).due_at is not None
    changes = AuditEvent.objects.get(action="tool_set.updated").changes
    assert changes["adapter"][1]["headers"] == {"X-Key": "***"}


def test_sync_is_accepted_and_an_archived_set_refuses_it(rest: Script) -> None:
    made = created(rest)["metadata"]["id"]

    accepted = rest.post(f"/v1/tool_sets/{made}:sync", {})
    rest.post(f"/v1/tool_sets/{made}:archive")
    refused = rest.post(f"/v1/tool_sets/{made}:sync")
    back = rest.post(f"/v1/tool_sets/{made}:unarchive")

    assert accepted.status == 202
    assert (refused.status, refused.code) == (409, "not_syncable")
    assert back.body["state"] == "STATE_ACTIVE"


def test_delete_answers_204_and_nothing_and_then_404(rest: Script) -> None:
    path = f"/v1/tool_sets/{created(rest)['metadata']['id']}"

    first, second = rest.delete(path), rest.delete(path)

    assert (first.status, first.body) == (204, None)
    assert (second.status, second.code) == (404, "not_found")


def test_only_api_keys_may_say_that_a_set_is_managed(rest: Script) -> None:
    made = created(rest)["metadata"]["id"]

    answer = rest.put(f"/v1/tool_sets/{made}", {"managed": True})

    assert answer.body["managed"] is True


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.ADMIN, 201),
        (Role.DEVELOPER, 201),
        (Role.SECURITY, 403),
        (Role.READ_ONLY, 403),
    ],
)
def test_roles_decide_who_may_connect(
    role: Role, status: int, workspace: Workspace
) -> None:
    answer = script(workspace, role=role).post(
        "/v1/tool_sets", {"metadata": {"name": "x"}, "spec": {"adapter": adapter()}}
    )

    assert answer.status == status
    assert status == 201 or answer.code == "forbidden"
    assert Membership.objects.in_workspace(workspace).filter(role=role).exists()


def test_number_of_queries_does_not_grow_with_the_list(
    rest: Script, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        created(rest, f"Set {number}")

    with django_assert_max_num_queries(10):
        answer = rest.get("/v1/tool_sets", includeInfo="true")

    assert len(answer.body["items"]) == 12
