"""Changes through REST and the admin wake whoever waits for news of the workspace."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import bus
from tests.rest import Script

pytestmark = pytest.mark.django_db


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_only_a_successful_change_is_announced(
    rest: Script, loop: asyncio.AbstractEventLoop
) -> None:
    heard: list[dict[str, Any]] = []

    async def listen() -> None:
        bus.listen("workspace-changed", heard.append)

    loop.run_until_complete(listen())
    rest.get("/v1/tool-packs/")
    rest.post("/v1/tool-packs/", {})
    rest.post("/v1/tool-packs/", {"name": "x"})
    loop.run_until_complete(asyncio.sleep(0))
    bus.unlisten("workspace-changed", heard.append)

    assert rest.key is not None
    assert heard == [{"workspace": rest.key.workspace_id}]
