"""A visit is true at a moment after it was asked for, whatever was remembered or compiled meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from gateway.database import in_database
from gateway.lane import Lane
from gateway.mcp.access import Access, Door
from tests.mcp.conftest import Bench, synced
from tests.mcp.upstreams import Seen, telling_server
from tests.upstreams import served, streamable_http_app
from toolpacks.packing import attach
from toolsets.connecting import archive
from toolsets.curating import omit

T = TypeVar("T")


def visiting(scene: Callable[[Access], Awaitable[T]]) -> T:
    async def play() -> T:
        lane = Lane()
        lane.start()
        async with asyncio.timeout(20):
            told = await scene(Access(lane))
        await lane.stop()
        return told

    return asyncio.run(play())


@pytest.fixture
def door(bench: Bench) -> Door:
    return Door(
        token=bench.agent.token,
        pack=str(bench.pack.pk),
        registered_user=bench.user.pk,
    )


def take_out(bench: Bench, name: str) -> None:
    omit([bench.tool(name)], actor=bench.operator.actor)


def test_edit_is_seen_by_whoever_asks_after_it_for_the_first_time(
    bench: Bench, door: Door
) -> None:
    """A surface that was compiled before the edit may be finished after it."""

    async def scene(access: Access) -> set[str]:
        early = Access(access.revisions._lane)
        await early.enter(door)
        await in_database(take_out, bench, "echo")
        asked = access.ask(door)
        access._surfaces = early._surfaces  # the compilation that was under way ends
        visit = await access.answered(asked)
        return set(visit.pack.tools)

    assert "echo" not in visiting(scene)


def test_edit_of_a_tool_is_seen_by_whoever_was_here_before(
    bench: Bench, door: Door
) -> None:
    async def scene(access: Access) -> tuple[bool, bool]:
        before = await access.enter(door)
        await in_database(take_out, bench, "echo")
        after = await access.enter(door)
        return "echo" in before.pack.tools, "echo" in after.pack.tools

    assert visiting(scene) == (True, False)


def test_pack_whose_only_set_is_archived_is_empty(bench: Bench, door: Door) -> None:
    async def scene(access: Access) -> tuple[bool, set[str]]:
        before = await access.enter(door)
        await in_database(archive, bench.tool_set, actor=bench.operator.actor)
        after = await access.enter(door)
        return bool(before.pack.tools), set(after.pack.tools)

    assert visiting(scene) == (True, set())


def test_tools_of_a_set_that_joins_the_pack_are_followed_too(
    bench: Bench, door: Door
) -> None:
    upstream = streamable_http_app(telling_server(Seen()))
    with served(upstream) as at:
        other = synced(bench.operator, at.url(), name="Other")
    echo = list(other.tools.filter(name="echo"))

    async def scene(access: Access) -> tuple[bool, bool]:
        await access.enter(door)
        await in_database(
            attach, bench.pack, other, tools=None, actor=bench.operator.actor
        )
        joined = await access.enter(door)
        await in_database(omit, echo, actor=bench.operator.actor)
        after = await access.enter(door)
        return "other__echo" in joined.pack.tools, "other__echo" in after.pack.tools

    assert visiting(scene) == (True, False)
