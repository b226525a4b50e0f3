"""Tools, events and secrets over REST."""

from typing import Any

import pytest
from django.test import Client

from gateway.audit.models import AuditEvent
from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, script
from toolsets.models import Secret, SecretValue, SyncState, Tool, ToolSet, ToolSetEvent

pytestmark = pytest.mark.django_db


def path_of(tool_set: ToolSet, name: str = "") -> str:
    path = f"/v1/tool_sets/{tool_set.pk}/tools"
    return f"{path}/{tool_set.tools.get(name=name).pk}" if name else path


def status_of(tool_set: ToolSet, name: str) -> str:
    return str(tool_set.tools.get(name=name).status)


def test_tool_has_exactly_the_documented_shape(
    rest: Script, github: ToolSet, alice: Person
) -> None:
    body = rest.get(path_of(github, "search"), includeInfo="true").body

    tool = github.tools.get(name="search")
    metadata = body["metadata"]
    assert metadata.pop("createdAt").endswith("Z")
    assert body["info"]["toolSet"]["id"] == github.pk
    assert body.pop("info")["createdBy"] == {
        "metadata": {
            "id": alice.profile.pk,
            "accountId": alice.profile.account_id,
            "name": "Alice",
            "profileId": alice.profile.pk,
            "externalId": "",
            "labels": {},
        },
        "spec": {
            "type": "PROFILE_TYPE_USER",
            "name": "Alice",
            "email": "alice@example.com",
        },
    }
    assert body == {
        "metadata": {
            "id": tool.pk,
            "accountId": alice.profile.account_id,
            "workspaceId": alice.workspace.pk,
            "profileId": alice.profile.pk,
            "name": "search",
            "externalId": "",
            "labels": {},
            "bundleKey": "",
        },
        "spec": {
            "config": {
                "mcp": {
                    "toolName": "search",
                    "toolTitle": "Search",
                    "toolDescription": "Does search.",
                }
            },
            "description": "Does search.",
            "parameters": {"type": "object"},
            "status": "TOOL_STATUS_AVAILABLE",
            "requiresApproval": False,
        },
        "title": "Search",
        "outputSchema": None,
        "annotations": {},
        "statusReason": "",
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["create", "delete", "search"]),
        ({"statuses": "TOOL_STATUS_OMITTED"}, ["delete"]),
        ({"status": "TOOL_STATUS_OMITTED"}, ["delete"]),
        (
            {"statuses": "TOOL_STATUS_OMITTED,TOOL_STATUS_AVAILABLE"},
            ["create", "delete", "search"],
        ),
        ({"status": "TOOL_STATUS_UNSPECIFIED"}, ["create", "delete", "search"]),
        ({"requiresApproval": "true"}, ["create"]),
        ({"requires_approval": "false"}, ["delete", "search"]),
        ({"names": ["create", "search"]}, ["create", "search"]),
        ({"names": "create,nothing"}, ["create"]),
        ({"prefix": "SEA"}, ["search"]),
        ({"query": "does c"}, ["create"]),
    ],
)
def test_tools_are_filtered(
    query: dict[str, Any], names: list[str], rest: Script, github: ToolSet
) -> None:
    github.tools.filter(name="delete").update(status=Tool.Status.OMITTED)
    github.tools.filter(name="create").update(requires_approval=True)

    answer = rest.get(path_of(github), **query)

    assert sorted(t["metadata"]["name"] for t in answer.body["items"]) == names


def test_omitted_tool_stays_out_until_it_is_restored(
    rest: Script, github: ToolSet
) -> None:
    path = path_of(github, "delete")

    omitted = rest.post(f"{path}:omit")
    again = rest.post(f"{path}:omit")
    restored = rest.post(f"{path}:restore")

    assert omitted.body["spec"]["status"] == "TOOL_STATUS_OMITTED"
    assert again.status == 200
    assert restored.body["spec"]["status"] == "TOOL_STATUS_AVAILABLE"
    assert SyncState.objects.get(tool_set=github).due_at is not None
    actions = AuditEvent.objects.filter(subject_type="toolsets.tool")
    assert sorted(actions.values_list("action", flat=True)) == [
        "tool.omitted",
        "tool.restored",
    ]


def test_filtered_by_hand_is_stored_as_omitted(rest: Script, github: ToolSet) -> None:
    answer = rest.put(
        path_of(github, "delete"),
        {
            "metadata": {"name": "delete"},
            "spec": {"status": "TOOL_STATUS_FILTERED"},
            "updateMask": "spec.status",
        },
    )

    assert answer.body["spec"]["status"] == "TOOL_STATUS_OMITTED"


@pytest.mark.parametrize(
    ("status", "verb", "code"),
    [
        (Tool.Status.ARCHIVED, "omit", "tool_archived"),
        (Tool.Status.ARCHIVED, "restore", "tool_archived"),
        (Tool.Status.FILTERED, "restore", "tool_filtered"),
    ],
)
def test_status_that_no_hand_decides_is_a_409(
    status: str, verb: str, code: str, rest: Script, github: ToolSet
) -> None:
    github.tools.update(status=status)

    answer = rest.post(f"{path_of(github, 'search')}:{verb}")

    assert (answer.status, answer.code) == (409, code)
    assert status_of(github, "search") == status


def test_tool_cannot_be_archived_by_hand(rest: Script, github: ToolSet) -> None:
    answer = rest.put(
        path_of(github, "search"), {"spec": {"status": "TOOL_STATUS_ARCHIVED"}}
    )

    assert answer.status == 400
    assert list(answer.fields) == ["spec.status"]


def test_approval_set_by_hand_is_remembered_as_such(
    rest: Script, github: ToolSet
) -> None:
    answer = rest.patch(
        path_of(github, "search"),
        {"metadata": {"labels": {"a": "b"}}, "spec": {"requiresApproval": True}},
    )

    tool = github.tools.get(name="search")
    assert answer.body["spec"]["requiresApproval"] is True
    assert answer.body["metadata"]["labels"] == {"a": "b"}
    assert tool.is_approval_set_by_hand


def test_tool_sent_back_as_it_came_changes_nothing(
    rest: Script, github: ToolSet
) -> None:
    path = path_of(github, "search")
    before = rest.get(path, includeInfo="true").body
    before["spec"]["config"]["type"] = "mcp"

    answer = rest.put(path, before)

    assert answer.status == 200, answer.body
    assert not AuditEvent.objects.filter(subject_type="toolsets.tool").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"metadata": {"name": "renamed"}}, "metadata.name"),
        ({"spec": {"description": "other"}}, "spec.description"),
        ({"spec": {"parameters": {}}}, "spec.parameters"),
        ({"spec": {"config": {"http": {"path": "/"}}}}, "spec.config"),
        ({"spec": {"bogus": 1}}, "spec.bogus"),
        ({"spec": {"status": "OMITTED"}}, "spec.status"),
        ({"metadata": {"externalId": "a b"}}, "metadata.externalId"),
    ],
)
def test_what_is_synced_or_unknown_cannot_be_changed(
    body: dict[str, Any], field: str, rest: Script, github: ToolSet
) -> None:
    answer = rest.put(path_of(github, "search"), body)

    assert answer.status == 400, answer.body
    assert list(answer.fields) == [field]


def test_tools_of_an_mcp_server_are_neither_made_nor_deleted_by_hand(
    rest: Script, github: ToolSet
) -> None:
    made = rest.post(path_of(github), {"metadata": {"name": "x"}})
    deleted = rest.delete(path_of(github, "search"))

    assert (made.status, made.code) == (409, "tools_are_synced")
    assert (deleted.status, deleted.code) == (409, "tools_are_synced")
    assert "omit it" in deleted.body["message"]
    assert github.tools.count() == 3


def test_tools_of_an_archived_set_are_archived_and_return_as_they_were(
    rest: Script, github: ToolSet
) -> None:
    rest.post(f"/v1/tool_sets/{github.pk}:archive")
    path = path_of(github)

    archived = rest.get(path, status="TOOL_STATUS_ARCHIVED").body["items"]
    available = rest.get(path, status="TOOL_STATUS_AVAILABLE").body["items"]
    rest.post(f"/v1/tool_sets/{github.pk}:unarchive")
    back = rest.get(path, status="TOOL_STATUS_AVAILABLE").body["items"]

    assert {t["spec"]["status"] for t in archived} == {"TOOL_STATUS_ARCHIVED"}
    assert (len(archived), len(available), len(back)) == (3, 0, 3)


@pytest.mark.parametrize("verb", ["PUT", "POST :omit", "DELETE", "POST"])
def test_person_cannot_change_the_tools_of_a_managed_set(
    verb: str, github: ToolSet, alice: Person
) -> None:
    ToolSet.objects.update(is_managed=True)
    browser = Client()
    assert alice.profile.user is not None
    browser.force_login(alice.profile.user)
    method, _, suffix = verb.partition(" ")
    path = path_of(github, "" if verb == "POST" else "search") + suffix

    answer = browser.generic(
        method, path, '{"spec": {"requiresApproval": true}}', "application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "tool_set_managed")
    assert not github.tools.filter(requires_approval=True).exists()


def test_person_cannot_change_whether_a_set_is_managed_but_may_describe_it(
    github: ToolSet, alice: Person
) -> None:
    ToolSet.objects.update(is_managed=True)
    browser = Client()
    assert alice.profile.user is not None
    browser.force_login(alice.profile.user)
    path = f"/v1/tool_sets/{github.pk}"

    cleared = browser.put(path, {"managed": False}, "application/json")
    described = browser.put(path, {"spec": {"description": "x"}}, "application/json")
    moved = browser.put(
        path,
        {"spec": {"adapter": {"mcp": {"url": "https://other.example.com"}}}},
        "application/json",
    )

    assert (cleared.status_code, cleared.json()["code"]) == (403, "tool_set_managed")
    assert described.status_code == 200
    assert (moved.status_code, moved.json()["code"]) == (403, "tool_set_managed")
    turned = browser.put(
        path, {"spec": {"adapter": {"openapi": github.adapter}}}, "application/json"
    )
    assert (turned.status_code, turned.json()["code"]) == (403, "tool_set_managed")


def test_script_may_change_the_tools_of_a_managed_set(
    rest: Script, github: ToolSet
) -> None:
    ToolSet.objects.update(is_managed=True)

    answer = rest.post(f"{path_of(github, 'search')}:omit")

    assert answer.status == 200


def test_events_come_newest_first_in_the_shape_of_their_type(
    rest: Script, github: ToolSet, alice: Person
) -> None:
    happened: list[tuple[str, dict[str, Any]]] = [
        (ToolSetEvent.Type.STARTED, {"message": "The sync started."}),
        (ToolSetEvent.Type.COMPLETED, {"message": "Done.", "tools_synced": 3}),
        (ToolSetEvent.Type.FAILED, {"message": "No.", "error_type": "timeout"}),
    ]
    for kind, facts in happened:
        ToolSetEvent.objects.create(
            workspace=alice.workspace,
            tool_set=github,
            type=kind,
            created_by=alice.profile,
            **facts,
        )

    items = rest.get(f"/v1/tool_sets/{github.pk}/events", includeInfo="true").body[
        "items"
    ]

    events = [item["event"] for item in items]
    assert sorted(events, key=lambda event: str(event["type"])) == [
        {
            "type": "sync_completed",
            "syncCompleted": {"message": "Done.", "toolsSynced": 3},
        },
        {
            "type": "sync_failed",
            "syncFailed": {"error": True, "errorType": "timeout", "message": "No."},
        },
        {"type": "sync_started", "syncStarted": {"message": "The sync started."}},
    ]
    ids = [item["metadata"]["id"] for item in items]
    assert ids == sorted(ids, reverse=True)
    assert set(items[0]) == {"metadata", "event", "info", "toolSetId"}
    assert items[0]["toolSetId"] == items[0]["info"]["toolSet"]["id"] == github.pk


def test_secret_values_go_in_and_never_come_out(rest: Script, github: ToolSet) -> None:
    path = f"/v1/tool_sets/{github.pk}/secrets"

    stored = rest.put(f"{path}/TOKEN", {"value": "hunter2"})
    again = rest.put(f"{path}/token", {"value": "hunter3"})
    listed = rest.get(path)
    gone = rest.delete(f"{path}/TOKEN")
    missing = rest.delete(f"{path}/TOKEN")

    assert (stored.status, stored.body["version"]) == (200, 1)
    assert (again.body["name"], again.body["version"]) == ("TOKEN", 2)
    assert [item["name"] for item in listed.body["items"]] == ["TOKEN"]
    assert "hunter" not in str([stored.body, again.body, listed.body])
    assert "hunter" not in str(list(AuditEvent.objects.values_list("changes")))
    assert (gone.status, missing.status) == (204, 404)
    assert not SecretValue.objects.exists()


def test_secrets_of_the_workspace_are_apart_from_those_of_a_set(
    rest: Script, github: ToolSet
) -> None:
    rest.put("/v1/workspace_secrets/TOKEN", {"value": "a"})
    rest.put(f"/v1/tool_sets/{github.pk}/secrets/TOKEN", {"value": "b"})

    listed = rest.get("/v1/workspace_secrets").body["items"]

    assert [item["toolSetId"] for item in listed] == [""]
    assert Secret.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("TOKEN", {}, "value"),
        ("TOKEN", {"value": ""}, "value"),
        ("TOKEN", {"value": "two\nlines"}, "value"),
        ("TOKEN", {"value": 5}, "value"),
        ("9LIVES", {"value": "x"}, "name"),
    ],
)
def test_wrong_secret_is_a_400_that_does_not_repeat_it(
    name: str, body: dict[str, Any], field: str, rest: Script
) -> None:
    answer = rest.put(f"/v1/workspace_secrets/{name}", body)

    assert answer.status == 400
    assert list(answer.fields) == [field]
    assert "two" not in str(answer.body)


@pytest.mark.parametrize(
    ("role", "build", "secret"),
    [
        (Role.ADMIN, 200, 200),
        (Role.DEVELOPER, 200, 403),
        (Role.SECURITY, 403, 403),
        (Role.READ_ONLY, 403, 403),
    ],
)
def test_roles_decide_who_may_curate_and_who_may_store_secrets(
    role: Role, build: int, secret: int, workspace: Workspace, github: ToolSet
) -> None:
    rest = script(workspace, role=role)

    omitted = rest.post(f"{path_of(github, 'search')}:omit")
    stored = rest.put("/v1/workspace_secrets/TOKEN", {"value": "x"})
    read = rest.get(path_of(github))

    assert (omitted.status, stored.status, read.status) == (build, secret, 200)
