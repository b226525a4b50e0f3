"""What `tools/list` says in each revision, and how it is rendered."""

import asyncio
import threading
from collections import UserDict
from collections.abc import ValuesView
from typing import Any

import orjson
import pytest

from gateway.mcp.listing import list_digest, tools_list
from gateway.mcp.protocol import Client
from tests.mcp.surfaces import surface, surface_tool

OBJECT = '{"type": "object", "properties": {"n": {"type": "integer"}}}'
ARRAY = '{"type": "array"}'


def listed(version: str, *tools: Any) -> dict[str, Any]:
    rendered = asyncio.run(tools_list(surface(*tools), Client(version=version)))
    result: dict[str, Any] = orjson.loads(rendered)
    return result


@pytest.mark.parametrize(
    ("version", "members"),
    [
        ("2025-03-26", {"name", "description", "inputSchema", "annotations"}),
        (
            "2025-06-18",
            {"name", "title", "description", "inputSchema", "outputSchema"}
            | {"annotations"},
        ),
        (
            "2026-07-28",
            {"name", "title", "description", "inputSchema", "outputSchema"}
            | {"annotations"},
        ),
    ],
)
def test_each_revision_sees_the_members_it_knows(
    version: str, members: set[str]
) -> None:
    tool = surface_tool(
        "add",
        title="Add",
        description="Adds.",
        output_schema=OBJECT,
        annotations='{"readOnlyHint": true}',
    )

    assert set(listed(version, tool)["tools"][0]) == members


def test_only_the_newest_revision_sees_output_schemas_that_are_no_objects() -> None:
    tool = surface_tool("add", output_schema=ARRAY)

    assert "outputSchema" not in listed("2025-11-25", tool)["tools"][0]
    assert listed("2026-07-28", tool)["tools"][0]["outputSchema"] == {"type": "array"}


def test_newest_revision_is_told_that_nothing_may_be_cached() -> None:
    result = listed("2026-07-28", surface_tool("add"))

    assert result["ttlMs"] == 0
    assert result["cacheScope"] == "private"
    assert result["resultType"] == "complete"
    assert listed("2025-11-25", surface_tool("add")).keys() == {"tools"}


class Telling(UserDict[str, Any]):
    """Tools that remember on which threads they were walked through."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.threads: list[int] = []

    def values(self) -> ValuesView[Any]:
        self.threads.append(threading.get_ident())
        return super().values()


def test_large_list_is_rendered_once_and_not_on_the_event_loop() -> None:
    tools = Telling({f"t{n}": surface_tool(f"t{n}") for n in range(5000)})
    big = surface(tools=tools)

    async def scene() -> set[bytes]:
        client = Client(version="2026-07-28")
        return set(await asyncio.gather(*(tools_list(big, client) for _ in range(20))))

    assert len(asyncio.run(scene())) == 1
    assert len(tools.threads) == 1
    assert threading.get_ident() not in tools.threads


def test_digest_of_a_large_list_is_not_made_on_the_event_loop() -> None:
    tools = Telling({f"t{n}": surface_tool(f"t{n}") for n in range(5000)})

    asyncio.run(list_digest(surface(tools=tools)))

    assert threading.get_ident() not in tools.threads


def test_digest_changes_with_what_callers_see_and_with_nothing_else() -> None:
    async def digest(**members: Any) -> str:
        return await list_digest(surface(surface_tool("add", **members)))

    plain = asyncio.run(digest())

    assert asyncio.run(digest(requires_approval=True, tool_id="other")) == plain
    assert asyncio.run(digest(description="Adds.")) != plain
    assert asyncio.run(digest(parameters=OBJECT)) != plain
