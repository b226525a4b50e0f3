"""Opening what an upstream wants to see of a tool set."""

import asyncio

import pytest

from gateway.mcp.credentials import Credentials
from tests.conftest import Person
from toolpacks.surfaces import SurfaceToolSet
from toolsets.models import ToolSet


@pytest.mark.django_db(transaction=True)
def test_calls_that_arrive_together_get_one_target(alice: Person) -> None:
    """A call is held to its target by identity, so two openings may not make two."""
    tool_set = ToolSet.objects.create(
        workspace=alice.workspace,
        name="Upstream",
        slug="upstream",
        adapter={"url": "http://127.0.0.1:1/mcp", "headers": {"X-Team": "crib"}},
        created_by=alice.profile,
    )
    known = SurfaceToolSet(
        tool_set_id=tool_set.pk,
        name=tool_set.name,
        adapter_type="mcp",
        networks=(),
        url=tool_set.adapter["url"],
        headers=tool_set.adapter["headers"],
        adapter_version=1,
        credential_generation=0,
        interactions=frozenset(),
        protocol_version="",
        transport="",
    )

    async def opened() -> set[int]:
        credentials = Credentials()

        async def one() -> int:
            await credentials.open(alice.workspace.pk, known)
            return id(credentials.held(known))

        return set(await asyncio.gather(*(one() for _ in range(20))))

    assert len(asyncio.run(opened())) == 1
