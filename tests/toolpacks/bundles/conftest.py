"""A bundle of a workspace, and scripts that plan, apply and export it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from gateway.identity.models import Workspace
from tests.rest import Answer, Script, installer
from toolpacks.bundles import applying
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolpacks.models import BundleRun
from toolsets.models import SyncState, Tool, ToolSet

KEY = "platform"
Document = dict[str, Any]
Apply = Callable[..., BundleRun]


def a_set(name: str = "Weather", **members: Any) -> Document:
    """A tool set of an MCP server, as a bundle says it."""
    spec = {
        "adapter": {"mcp": {"url": "https://mcp.example.com"}},
        **members.pop("spec", {}),
    }
    return {"name": name, **members, "spec": spec}


def one(document: Document | None = None, key: str = "weather") -> Document:
    """A bundle of one tool set."""
    return {"toolSets": {key: document or a_set()}}


def plan(rest: Script, document: Document, key: str = KEY) -> Answer:
    return rest.post(f"/v1/bundles/{key}:plan", document)


def actions(answer: Answer) -> dict[str, str]:
    """What becomes of each resource, or why it is refused."""
    return {
        change["key"]: change["code"] or change["action"]
        for change in answer.body["changes"]
    }


def apply(rest: Script, document: Document, key: str = KEY, query: str = "") -> Answer:
    return rest.post(f"/v1/bundles/{key}:apply{query}", document)


def outcomes(answer: Answer) -> dict[str, tuple[str, str]]:
    """The state and the code of each outcome."""
    return {one["key"]: (one["state"], one["code"]) for one in answer.body["outcomes"]}


def export(rest: Script, key: str = KEY) -> Document:
    answer = rest.get(f"/v1/bundles/{key}:export")
    assert answer.status == 200, answer.body
    document: Document = answer.body
    return document


@pytest.fixture
def applied(workspace: Workspace) -> Apply:
    """Apply a bundle here and now, as the installation."""

    def apply_now(document: Document, *, key: str = KEY) -> BundleRun:
        run, _ = applying.request(
            workspace,
            key,
            read_bundle([node_of(document)]),
            may_be_empty=True,
            actor=installer(workspace),
        )
        applying.run_bundle(run.pk)
        run.refresh_from_db()
        return run

    return apply_now


def synced(tool_set: ToolSet, *names: str) -> None:
    """The set as if it had been synced, with tools of these names."""
    SyncState.objects.filter(tool_set=tool_set).update(
        due_at=None, last_succeeded_at=tool_set.created_at
    )
    for name in names:
        Tool.objects.create(
            workspace_id=tool_set.workspace_id,
            tool_set=tool_set,
            name=name,
            created_by_id=tool_set.created_by_id,
        )


def set_of(key: str = "weather") -> ToolSet:
    found: ToolSet = ToolSet.objects.get(external_id=key)
    return found


def as_yaml(document: Document) -> bytes:
    return yaml.safe_dump(document).encode()
