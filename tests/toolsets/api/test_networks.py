"""Private networks of a tool set over REST: who opens them, which can be opened, and what follows."""

from typing import Any

import pytest

from gateway.audit.models import AuditEvent
from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from toolsets.models import SyncState, ToolSet

pytestmark = pytest.mark.django_db

NETWORKS = ["10.20.0.0/16", "fd12:3456::/32"]


def body(**spec: Any) -> dict[str, Any]:
    mcp = {"url": "https://mcp.inside.example/mcp"}
    return {"metadata": {"name": "Inside"}, "spec": {"adapter": {"mcp": mcp}, **spec}}


def path_of(made: Any) -> str:
    return f"/v1/tool_sets/{made.body['metadata']['id']}"


def test_an_admin_opens_networks_which_are_shown_used_and_audited(rest: Script) -> None:
    answer = rest.post("/v1/tool_sets", body(allowedNetworks=NETWORKS))

    tool_set = ToolSet.objects.get()
    changes = AuditEvent.objects.get(action="tool_set.created").changes
    assert answer.body["spec"]["allowedNetworks"] == NETWORKS
    assert tool_set.reachable_networks[-2:] == tuple(NETWORKS)
    assert changes["allowed_networks"] == [None, NETWORKS]


def test_a_change_of_networks_opens_new_sessions_and_is_due_and_audited(
    rest: Script,
) -> None:
    path = path_of(rest.post("/v1/tool_sets", body(allowedNetworks=NETWORKS)))
    SyncState.objects.update(due_at=None)

    answer = rest.patch(
        path,
        {"spec": {"allowedNetworks": []}, "updateMask": "spec.allowedNetworks"},
    )

    assert (answer.status, answer.body["spec"]["allowedNetworks"]) == (200, [])
    assert ToolSet.objects.get().adapter_version == 2
    assert SyncState.objects.get().due_at is not None
    changes = AuditEvent.objects.get(action="tool_set.updated").changes
    assert changes == {"allowed_networks": [NETWORKS, []]}


def test_a_developer_may_connect_a_set_but_not_open_networks_to_it(
    workspace: Workspace, rest: Script
) -> None:
    developer = script(workspace, role=Role.DEVELOPER)
    path = path_of(developer.post("/v1/tool_sets", body()))

    refused = [
        developer.post("/v1/tool_sets", body(allowedNetworks=NETWORKS)),
        developer.put(path, {"spec": {"allowedNetworks": NETWORKS}}),
    ]

    assert {(r.status, r.code) for r in refused} == {(403, "networks_forbidden")}
    assert ToolSet.objects.get().allowed_networks == []


def test_a_developer_changes_the_rest_of_a_set_that_an_admin_opened(
    workspace: Workspace, rest: Script
) -> None:
    made = rest.post("/v1/tool_sets", body(allowedNetworks=NETWORKS))
    developer = script(workspace, role=Role.DEVELOPER)

    kept = developer.put(path_of(made), made.body | {"spec": {**made.body["spec"], "description": "Ours."}})  # fmt: skip
    taken = developer.put(path_of(made), {"spec": {"allowedNetworks": []}})

    assert (kept.status, kept.body["spec"]["description"]) == (200, "Ours.")
    assert (taken.status, taken.code) == (403, "networks_forbidden")
    assert ToolSet.objects.get().allowed_networks == NETWORKS


@pytest.mark.parametrize(
    "network",
    [
        "",
        "10.0.0.1/8",
        "10.0.0.0/7",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/33",
        "inside.example",
        "*",
        "169.254.169.254",
        "169.254.0.0/16",
        "168.63.129.16",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "fe80::/10",
        "fd00:ec2::254",
        "fd20:ce::254",
        "64:ff9b::a9fe:a9fe/128",
        "2002:a9fe:a9fe::/48",
    ],
)
def test_what_is_no_network_or_too_wide_or_of_the_machine_itself_is_refused(
    network: str, rest: Script
) -> None:
    answer = rest.post("/v1/tool_sets", body(allowedNetworks=[network]))

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert answer.body["details"][0]["field"].startswith("spec.allowedNetworks")
    assert not ToolSet.objects.exists()


@pytest.mark.parametrize("networks", ["10.0.0.0/8", {"10.0.0.0/8": True}, [7], [["10.0.0.0/8"]], ["10.1.0.0/16"] * 21])  # fmt: skip
def test_what_is_no_list_of_networks_is_refused(networks: Any, rest: Script) -> None:
    answer = rest.post("/v1/tool_sets", body(allowedNetworks=networks))

    assert (answer.status, answer.code) == (400, "invalid_argument")
