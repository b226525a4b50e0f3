"""A tool set with tools, as a sync would have left them."""

import pytest

from tests.conftest import Person
from toolsets.models import SyncState, Tool, ToolSet


def tool_set_of(person: Person, name: str = "github", **fields: object) -> ToolSet:
    """A tool set of the person's workspace with the tools search, create and delete."""
    tool_set = ToolSet.objects.create(
        workspace=person.workspace,
        name=name.title(),
        slug=name,
        adapter={"url": "https://mcp.example.com/mcp"},
        created_by=person.profile,
        **fields,
    )
    SyncState.objects.create(tool_set=tool_set)
    for tool in ("search", "create", "delete"):
        Tool.objects.create(
            workspace=person.workspace,
            tool_set=tool_set,
            name=tool,
            title=tool.title(),
            description=f"Does {tool}.",
            parameters={"type": "object"},
            created_by=person.profile,
        )
    return tool_set


@pytest.fixture
def github(alice: Person) -> ToolSet:
    return tool_set_of(alice)
