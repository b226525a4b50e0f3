"""Credentials that a tool set keeps do not go elsewhere on the word of somebody who may not read them."""

from typing import Any

import pytest

from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, script
from tests.toolsets.openapi.documents import document
from toolsets.models import ToolSet
from toolsets.secrets import store_secret

HERE, THERE = "https://api.example.com", "https://evil.example.net"
TYPED = {"Authorization": "Bearer hunter2"}
MEMBERS = [("mcp", "url"), ("http", "baseUrl"), ("openapi", "url")]


@pytest.fixture
def developer(workspace: Workspace) -> Script:
    return script(workspace, role=Role.DEVELOPER)


def connected(by: Script, kind: str, **adapter: Any) -> str:
    """The address of a new set."""
    body = {"metadata": {"name": "Fish"}, "spec": {"adapter": {kind: adapter}}}
    made = by.post("/v1/tool_sets", body)
    return f"/v1/tool_sets/{made.body['metadata']['id']}"


def masked(kind: str, **adapter: Any) -> dict[str, Any]:
    """An update of these members of the adapter, and of nothing else."""
    mask = ",".join(f"spec.adapter.{kind}.{member}" for member in adapter)
    return {"spec": {"adapter": {kind: adapter}}, "updateMask": mask}


@pytest.mark.parametrize(("kind", "member"), MEMBERS)
def test_address_alone_is_not_changed_under_a_typed_credential(
    kind: str, member: str, rest: Script, developer: Script
) -> None:
    path = connected(rest, kind, **{member: f"{HERE}/a"}, headers=TYPED)

    refused = developer.patch(path, masked(kind, **{member: f"{THERE}/a"}))

    assert (refused.status, refused.code) == (403, "credentials_stay")
    assert "the header Authorization" in refused.body["message"]
    assert "hunter2" not in str(refused.body)
    assert ToolSet.objects.get().adapter[member] == f"{HERE}/a"


@pytest.mark.parametrize(
    "change",
    [
        {"url": f"{HERE}:8443/doc"},
        {"url": "http://api.example.com/doc"},
        {"url": f"{HERE}/doc", "baseUrl": THERE},
        {"document": document({})},
    ],
)
def test_whatever_decides_where_headers_go_is_not_changed(
    change: dict[str, Any], rest: Script, developer: Script
) -> None:
    path = connected(rest, "openapi", url=f"{HERE}/doc", headers=TYPED)
    adapter = {"openapi": {**change, "headers": {"Authorization": "***"}}}

    refused = developer.put(path, {"spec": {"adapter": adapter}})

    assert refused.code == "credentials_stay"


def test_other_server_of_a_pasted_document_is_not_chosen(
    rest: Script, developer: Script
) -> None:
    path = connected(rest, "openapi", document=document({}), headers=TYPED)

    refused = developer.patch(path, masked("openapi", serverName="other"))

    assert refused.code == "credentials_stay"


def test_other_kind_of_adapter_does_not_take_it_along(
    rest: Script, developer: Script
) -> None:
    path = connected(rest, "mcp", url=HERE, headers=TYPED)
    adapter = {"openapi": {"url": THERE, "headers": {"Authorization": "***"}}}

    refused = developer.put(path, {"spec": {"adapter": adapter}})

    assert refused.code == "credentials_stay"


def test_address_of_the_same_host_is_changed(rest: Script, developer: Script) -> None:
    path = connected(rest, "mcp", url=f"{HERE}/a", headers=TYPED)

    changed = developer.patch(path, masked("mcp", url=f"{HERE}:443/b"))

    assert changed.status == 200
    assert ToolSet.objects.get().adapter == {"url": f"{HERE}:443/b", "headers": TYPED}


@pytest.mark.parametrize("value", ["Bearer hunter2", "Bearer other", "${KEY}"])
def test_value_that_is_given_anew_goes_where_it_is_told_to(
    value: str, rest: Script, developer: Script
) -> None:
    path = connected(rest, "mcp", url=HERE, headers=TYPED)
    headers = {"Authorization": value}

    changed = developer.patch(path, masked("mcp", url=THERE, headers=headers))

    assert changed.status == 200
    assert ToolSet.objects.get().adapter == {"url": THERE, "headers": headers}


def test_admin_moves_them(rest: Script) -> None:
    path = connected(rest, "mcp", url=HERE, headers=TYPED)

    assert rest.patch(path, masked("mcp", url=THERE)).status == 200

    assert ToolSet.objects.get().adapter == {"url": THERE, "headers": TYPED}


def test_credential_of_a_tool_stays_with_its_set(
    rest: Script, developer: Script
) -> None:
    path = connected(rest, "http", baseUrl=HERE)
    config = {"http": {"path": "/fish", "headers": {"X-Key": "hunter2"}}}
    body = {"metadata": {"name": "get_fish"}, "spec": {"config": config}}
    made = rest.post(f"{path}/tools", body).body["metadata"]["id"]

    refused = developer.patch(path, masked("http", baseUrl=THERE))
    developer.delete(f"{path}/tools/{made}")
    changed = developer.patch(path, masked("http", baseUrl=THERE))

    assert refused.code == "credentials_stay"
    assert "the header X-Key of the tool get_fish" in refused.body["message"]
    assert changed.status == 200


def test_secret_of_the_set_stays_also_while_no_header_names_it(
    rest: Script, developer: Script
) -> None:
    path = connected(rest, "mcp", url=HERE, headers={"X-Key": "${KEY}"})
    rest.put(f"{path}/secrets/KEY", {"value": "hunter2"})

    named = developer.patch(path, masked("mcp", url=THERE))
    developer.patch(path, masked("mcp", headers={}))
    unnamed = developer.patch(path, masked("mcp", url=THERE))

    assert (named.code, unnamed.code) == ("credentials_stay", "credentials_stay")
    assert "the secret KEY of this tool set" in named.body["message"]


def test_secret_of_the_workspace_is_for_whoever_connects_upstreams(
    alice: Person, developer: Script
) -> None:
    store_secret(alice.workspace, name="KEY", value="hunter2", actor=alice.actor)
    path = connected(developer, "mcp", url=HERE, headers={"X-Key": "${KEY}"})

    assert developer.patch(path, masked("mcp", url=THERE)).status == 200
