"""Tool sets that are connected to the upstreams of a test, and what happened to them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Person
from toolsets.models import SyncState, Tool, ToolSet, ToolSetEvent
from toolsets.sync import SyncOutcome, request_sync, run_sync

Connect = Callable[..., ToolSet]
Sync = Callable[[ToolSet], SyncOutcome]


@pytest.fixture
def connect(alice: Person) -> Connect:
    """Make a tool set of the workspace with an adapter."""

    def connected(url: str, **adapter: Any) -> ToolSet:
        number = ToolSet.objects.count()
        tool_set = ToolSet.objects.create(
            workspace=alice.workspace,
            name=f"Upstream {number}",
            slug=f"upstream-{number}",
            adapter={"url": url, **adapter},
            created_by=alice.profile,
        )
        SyncState.objects.create(tool_set=tool_set)
        return tool_set

    return connected


@pytest.fixture
def sync(alice: Person) -> Sync:
    """Ask for a sync as Alice, and do it."""

    def synced(tool_set: ToolSet) -> SyncOutcome:
        request_sync(tool_set, actor=alice.actor)
        return run_sync(tool_set.pk)

    return synced


def events_of(tool_set: ToolSet) -> list[tuple[str, str]]:
    """Each event's type and error type, oldest first."""
    events = ToolSetEvent.objects.in_workspace(tool_set.workspace_id)
    mine = events.filter(tool_set=tool_set).order_by("created_at", "pk")
    return [(event.type, event.error_type) for event in mine]


def statuses_of(tool_set: ToolSet) -> dict[str, str]:
    """Each tool's status, by name."""
    tools = Tool.objects.in_workspace(tool_set.workspace_id).filter(tool_set=tool_set)
    return dict(tools.values_list("name", "status"))
