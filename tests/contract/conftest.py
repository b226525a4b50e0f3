"""Tool sets that are connected over REST to a real upstream, under both roots of the API."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.identity.models import Workspace
from tests.rest import Script
from tests.upstreams import App, Upstream, sdk_server, streamable_http_app, tool
from toolsets.sync import run_sync

Connect = Callable[..., dict[str, Any]]


@pytest.fixture(params=["/v1", "/v1/workspaces/{workspace}"])
def root(request: pytest.FixtureRequest, workspace: Workspace) -> str:
    """Both path trees."""
    path: str = request.param
    return path.format(workspace=workspace.pk)


@pytest.fixture
def upstream(serve: Callable[[App], Upstream]) -> str:
    """The address of an MCP server with the tools add, delete, search and subtract."""
    tools = [
        tool(name, title=name.title())
        for name in ("add", "delete", "search", "subtract")
    ]
    return serve(streamable_http_app(sdk_server(tools))).url()


@pytest.fixture
def connect(rest: Script, root: str, upstream: str) -> Connect:
    """Create a tool set over REST."""

    def connected(name: str = "Arithmetic", **members: Any) -> dict[str, Any]:
        metadata = {"name": name, **members.pop("metadata", {})}
        adapter = members.pop("adapter", {"mcp": {"url": upstream}})
        made = rest.post(
            f"{root}/tool_sets",
            {"metadata": metadata, "spec": {"adapter": adapter, **members}},
        )
        assert made.status == 201, made.body
        body: dict[str, Any] = made.body
        return body

    return connected


@pytest.fixture
def synced(connect: Connect, root: str) -> str:
    """The path of a tool set after its first sync."""
    tool_set = connect()
    run_sync(tool_set["metadata"]["id"])
    return f"{root}/tool_sets/{tool_set['metadata']['id']}"


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
