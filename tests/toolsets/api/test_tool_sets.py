"""Tool sets over REST: made, named, synced, archived and deleted."""

import pytest

from gateway.audit.models import AuditEvent
from gateway.identity.models import Membership, Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from tests.toolsets.api.connecting import URL, adapter, created
from toolsets.models import SyncState, Tool, ToolSet

pytestmark = pytest.mark.django_db


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
