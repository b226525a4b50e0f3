"""Credentials typed into headers over REST: readable for admins alone, and kept where others send them back hidden."""

from typing import Any

import pytest

from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from toolsets.models import Tool, ToolSet

HEADERS = {"Authorization": "Bearer hunter2", "X-Team": "a", "X-Key": "${KEY}"}
HIDDEN = {**HEADERS, "Authorization": "***"}


@pytest.fixture
def developer(workspace: Workspace) -> Script:
    return script(workspace, role=Role.DEVELOPER)


@pytest.fixture
def tool_set(rest: Script) -> str:
    """The address of a set whose headers hold a credential."""
    adapter = {"http": {"baseUrl": "https://api.example.com", "headers": HEADERS}}
    body = {"metadata": {"name": "Fish"}, "spec": {"adapter": adapter}}
    made = rest.post("/v1/tool_sets", body)
    return f"/v1/tool_sets/{made.body['metadata']['id']}"


@pytest.fixture
def tool(rest: Script, tool_set: str) -> str:
    """The address of one of its tools, whose own headers hold a credential too."""
    config = {"http": {"path": "/fish", "headers": HEADERS}}
    body = {"metadata": {"name": "get_fish"}, "spec": {"config": config}}
    made = rest.post(f"{tool_set}/tools", body)
    return f"{tool_set}/tools/{made.body['metadata']['id']}"


def of_set(answer: Any) -> Any:
    return answer.body["spec"]["adapter"]["http"]["headers"]


def of_tool(answer: Any) -> Any:
    return answer.body["spec"]["config"]["http"]["headers"]


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.SECURITY, Role.READ_ONLY])
def test_only_admins_read_them(
    role: Role, workspace: Workspace, rest: Script, tool_set: str, tool: str
) -> None:
    reader = script(workspace, role=role)

    assert of_set(rest.get(tool_set)) == of_tool(rest.get(tool)) == HEADERS
    assert of_set(reader.get(tool_set)) == of_tool(reader.get(tool)) == HIDDEN
    for listing in ("/v1/tool_sets", f"{tool_set}/tools"):
        assert "hunter2" not in str(reader.get(listing).body)


def test_set_that_is_read_and_written_back_keeps_them(
    developer: Script, tool_set: str
) -> None:
    read = developer.get(tool_set).body

    changed = developer.put(tool_set, {**read, "spec": read["spec"]})

    assert (changed.status, of_set(changed)) == (200, HIDDEN)
    kept = ToolSet.objects.get()
    assert (kept.adapter["headers"], kept.adapter_version) == (HEADERS, 1)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "mask", ["spec.adapter", "spec.adapter.http", "spec.adapter.http.headers"]
)
def test_set_that_is_changed_by_mask_keeps_them(
    method: str, mask: str, developer: Script, tool_set: str
) -> None:
    adapter = developer.get(tool_set).body["spec"]["adapter"]["http"]
    adapter["headers"]["X-Team"] = "b"
    body = {"spec": {"adapter": {"http": adapter}}, "updateMask": mask}

    changed = developer.send(method, tool_set, body)

    assert changed.status == 200, changed.body
    assert ToolSet.objects.get().adapter["headers"] == {**HEADERS, "X-Team": "b"}


def test_one_header_is_changed_by_mask(developer: Script, tool_set: str) -> None:
    headers = {"Authorization": "Bearer other"}
    body = {
        "spec": {"adapter": {"http": {"headers": headers}}},
        "updateMask": "spec.adapter.http.headers.Authorization",
    }

    changed = developer.patch(tool_set, body)

    assert of_set(changed) == HIDDEN
    assert ToolSet.objects.get().adapter["headers"] == {**HEADERS, **headers}


def test_tool_that_is_read_and_written_back_keeps_them(
    developer: Script, tool: str
) -> None:
    read = developer.get(tool).body
    read["spec"]["config"]["http"]["path"] = "/other"

    changed = developer.put(tool, read)

    assert (changed.status, of_tool(changed)) == (200, HIDDEN)
    config = Tool.objects.get().config
    assert (config["headers"], config["path"]) == (HEADERS, "/other")


def test_tool_that_is_changed_by_mask_keeps_them(developer: Script, tool: str) -> None:
    body = {
        "spec": {"config": {"http": {"headers": {**HIDDEN, "X-Team": "b"}}}},
        "updateMask": "spec.config.http.headers",
    }

    assert developer.patch(tool, body).status == 200

    assert Tool.objects.get().config["headers"] == {**HEADERS, "X-Team": "b"}


def test_hidden_value_that_stands_for_nothing_is_refused(
    rest: Script, tool_set: str, tool: str
) -> None:
    adapter = {"mcp": {"url": "https://x.example.com", "headers": {"X-Auth": "***"}}}
    body = {"metadata": {"name": "New"}, "spec": {"adapter": adapter}}

    made = rest.post("/v1/tool_sets", body)
    headers = {"spec": {"config": {"http": {"headers": {"X-Other-Key": "***"}}}}}
    changed = rest.patch(tool, headers)

    assert (made.status, [*made.fields]) == (400, ["spec.adapter.mcp.headers"])
    assert (changed.status, [*changed.fields]) == (400, ["spec.config.http.headers"])
    assert ToolSet.objects.count() == 1
    assert Tool.objects.get().config["headers"] == HEADERS
