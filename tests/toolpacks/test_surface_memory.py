"""Compiled surfaces are remembered while they are true, within a bound, and compiled once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from gateway.database import in_database
from gateway.identity.models import Workspace
from gateway.identity.revisions import Revisions, read
from tests.conftest import Person
from tests.mcp.conftest import close_connections
from tests.toolsets.api.conftest import tool_set_of
from toolpacks.models import ToolPack
from toolpacks.packing import attach, change_pack, create_pack
from toolpacks.surface_memory import SurfaceMemory
from toolpacks.surfaces import PackSurface
from toolsets.curating import omit
from toolsets.models import Tool, ToolSet

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    yield
    close_connections()


@pytest.fixture
def packs(alice: Person) -> list[ToolPack]:
    tool_set = tool_set_of(alice)
    made = []
    for number in range(4):
        pack = create_pack(alice.workspace, name=f"P{number}", actor=alice.actor)
        attach(pack, tool_set, tools=None, actor=alice.actor)
        made.append(pack)
    return made


def now(workspace: Workspace, *tool_sets: str) -> Revisions:
    """The revisions as a request would read them."""
    numbers = read((workspace.pk, subject) for subject in ("", *tool_sets))
    of_sets = tuple(numbers[workspace.pk, tool_set] for tool_set in tool_sets)
    return Revisions(numbers[workspace.pk, ""], 0, of_sets)


def omit_one(tool_set: ToolSet, person: Person) -> None:
    first = Tool.objects.in_workspace(person.workspace).filter(tool_set=tool_set)[:1]
    omit(list(first.select_related("tool_set")), actor=person.actor)


def remembering(scene: Callable[[], Awaitable[T]]) -> T:
    async def play() -> T:
        async with asyncio.timeout(60):
            return await scene()

    return asyncio.run(play())


def test_concurrent_misses_compile_once(
    workspace: Workspace, packs: list[ToolPack]
) -> None:
    revisions, pack = now(workspace), str(packs[0].pk)

    async def scene() -> list[Any]:
        memory = SurfaceMemory()
        asked = (memory.pack(workspace.pk, pack, None, revisions) for _ in range(50))
        return await asyncio.gather(*asked)

    surfaces = remembering(scene)

    assert len({id(surface) for surface in surfaces}) == 1
    assert len(surfaces[0].tools) == 3


def test_caller_who_gives_up_does_not_spoil_it_for_the_others(
    workspace: Workspace, packs: list[ToolPack]
) -> None:
    revisions, pack = now(workspace), str(packs[0].pk)

    async def scene() -> PackSurface | None:
        memory = SurfaceMemory()
        gone, stays = (
            asyncio.create_task(memory.pack(workspace.pk, pack, None, revisions))
            for _ in range(2)
        )
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert remembering(scene) is not None


def test_surface_is_compiled_anew_when_its_number_rose(
    alice: Person, packs: list[ToolPack]
) -> None:
    pack, workspace = packs[0], alice.workspace
    first = now(workspace)

    async def scene() -> list[PackSurface | None]:
        memory = SurfaceMemory()
        old = await memory.pack(workspace.pk, str(pack.pk), None, first)
        await in_database(change_pack, pack, name="New", actor=alice.actor)
        raised = await in_database(now, workspace)
        same = await memory.pack(workspace.pk, str(pack.pk), None, first)
        return [old, same, await memory.pack(workspace.pk, str(pack.pk), None, raised)]

    old, same, new = remembering(scene)

    assert old is same
    assert new is not None
    assert new.name == "New"


def test_surface_stands_while_another_tool_set_changes(
    alice: Person, packs: list[ToolPack]
) -> None:
    workspace, pack = alice.workspace, str(packs[0].pk)
    other = tool_set_of(alice, name="Other")

    async def scene() -> tuple[PackSurface | None, PackSurface | None]:
        memory = SurfaceMemory()
        old = await memory.pack(
            workspace.pk, pack, None, await in_database(now, workspace)
        )
        assert old is not None
        await in_database(omit_one, other, alice)
        after = await in_database(now, workspace, *old.tool_sets)
        return old, await memory.pack(workspace.pk, pack, old, after)

    old, same = remembering(scene)

    assert old is same


def test_surface_is_compiled_anew_when_one_of_its_tools_changes(
    alice: Person, packs: list[ToolPack]
) -> None:
    workspace, pack = alice.workspace, packs[0]
    tool_set = pack.connectors.get().tool_set

    async def scene() -> PackSurface | None:
        memory = SurfaceMemory()
        first = await in_database(now, workspace)
        old = await memory.pack(workspace.pk, str(pack.pk), None, first)
        assert old is not None
        await in_database(omit_one, tool_set, alice)
        after = await in_database(now, workspace, *old.tool_sets)
        return await memory.pack(workspace.pk, str(pack.pk), old, after)

    new = remembering(scene)

    assert new is not None
    assert len(new.tools) == 2


def test_memory_is_bounded_in_bytes_and_the_least_used_goes(
    workspace: Workspace, packs: list[ToolPack]
) -> None:
    revisions = now(workspace)
    names = [str(pack.pk) for pack in packs]

    async def scene() -> list[bool]:
        (size,) = {
            surface.size
            for name in names
            if (
                surface := await SurfaceMemory().pack(
                    workspace.pk, name, None, revisions
                )
            )
        }
        memory = SurfaceMemory(most_bytes=2 * size)
        for name in (names[0], names[1], names[0], names[2]):
            await memory.pack(workspace.pk, name, None, revisions)
        return [memory.known_pack(workspace.pk, name) is not None for name in names]

    assert remembering(scene) == [True, False, True, False]


def test_missing_pack_is_remembered_as_missing(workspace: Workspace) -> None:
    async def scene() -> PackSurface | None:
        memory = SurfaceMemory()
        assert memory.known_pack(workspace.pk, "nothing") is None
        return await memory.pack(workspace.pk, "nothing", None, Revisions(0, 0))

    assert remembering(scene) is None
