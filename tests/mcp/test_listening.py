"""Streams of clients that want to know when their list changes."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.database import in_database
from gateway.identity.keys import revoke_key
from gateway.identity.models import ApiKey
from gateway.jobs import Batch, Statement
from gateway.lane import Lane
from gateway.mcp.access import Access, Door
from gateway.mcp.listeners import Listener, Listeners
from gateway.mcp.listing import list_digest
from tests.mcp.agents import SUBSCRIPTION
from tests.mcp.conftest import Bench, sdk_client
from toolpacks.packing import change_pack, create_pack, detach
from toolsets.curating import omit, require_approval


@pytest.fixture(autouse=True)
def no_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends a ping looks for news as well: here they come because something changed, or never."""
    monkeypatch.setattr("gateway.mcp.listeners._PING_SECONDS", 600)


def test_subscription_is_acknowledged_before_anything_else(bench: Bench) -> None:
    with bench.agent.listening(
        id="sub", toolsListChanged=True, promptsListChanged=True
    ) as stream:
        first = stream.next()

    assert first["method"] == "notifications/subscriptions/acknowledged"
    assert first["params"]["_meta"] == {SUBSCRIPTION: "sub"}
    assert first["params"]["notifications"] == {"toolsListChanged": True}
    assert stream.response.headers["content-type"] == "text/event-stream"


def test_subscriber_hears_that_its_list_changed(bench: Bench) -> None:
    with bench.agent.listening(id=7, toolsListChanged=True) as stream:
        stream.next()
        omit([bench.tool("echo")], actor=bench.operator.actor)
        news = stream.next()

    assert news["method"] == "notifications/tools/list_changed"
    assert news["params"]["_meta"] == {SUBSCRIPTION: 7}


def test_subscriber_hears_only_of_its_own_list(bench: Bench) -> None:
    other = create_pack(bench.workspace, name="Other", actor=bench.operator.actor)
    with bench.agent.listening(toolsListChanged=True) as stream:
        stream.next()
        change_pack(other, name="Renamed", actor=bench.operator.actor)
        require_approval([bench.tool("echo")], True, actor=bench.operator.actor)
        time.sleep(2.5)  # a comparison has surely passed
        omit([bench.tool("big")], actor=bench.operator.actor)
        stream.next()
        revoke_key(ApiKey.objects.get(), actor=bench.operator.actor)
        rest = stream.rest()

    assert [m.get("method") for m in rest] == [None]


def test_who_asked_for_nothing_hears_nothing(bench: Bench) -> None:
    with bench.agent.listening() as stream:
        assert stream.next()["params"]["notifications"] == {}
        omit([bench.tool("echo")], actor=bench.operator.actor)
        time.sleep(2.5)
        revoke_key(ApiKey.objects.get(), actor=bench.operator.actor)
        rest = stream.rest()

    assert [m.get("method") for m in rest] == [None]


def test_stream_ends_with_a_result_when_its_caller_may_listen_no_more(
    bench: Bench,
) -> None:
    with bench.agent.listening(id=9, toolsListChanged=True) as stream:
        stream.next()
        revoke_key(ApiKey.objects.get(), actor=bench.operator.actor)
        ending = stream.next()

    assert ending["id"] == 9
    assert ending["result"] == {
        "resultType": "complete",
        "_meta": {SUBSCRIPTION: 9},
    }


@pytest.mark.parametrize("wanted", [None, [], "toolsListChanged"])
def test_subscription_must_say_what_it_wants(bench: Bench, wanted: Any) -> None:
    answer = bench.agent.modern("subscriptions/listen", {"notifications": wanted})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)


def test_handshake_eras_have_no_subscriptions(bench: Bench) -> None:
    answer = bench.agent.legacy("subscriptions/listen", {"notifications": {}})

    assert answer.json()["error"]["code"] == -32601


# --- GET streams ------------------------------------------------------------------------------------------------------


def test_get_stream_hears_that_the_list_changed(bench: Bench) -> None:
    agent = bench.agent.initialized()

    with agent.stream(method="GET") as stream:
        assert stream.next_line().startswith(":")
        detach(bench.pack, bench.tool_set, actor=bench.operator.actor)
        news = stream.next()

    assert news == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def test_delete_ends_the_streams_of_its_session_only(bench: Bench) -> None:
    ended, other = bench.agent.initialized(), bench.agent.initialized()

    with ended.stream(method="GET") as stream, other.stream(method="GET") as left:
        stream.next_line()
        left.next_line()
        assert ended.send(method="DELETE").status_code == 204
        assert stream.rest() == []

        omit([bench.tool("echo")], actor=bench.operator.actor)
        assert left.next()["method"] == "notifications/tools/list_changed"


def test_session_goes_on_after_its_streams_were_ended(bench: Bench) -> None:
    agent = bench.agent.initialized()
    agent.send(method="DELETE")

    assert agent.legacy("ping").status_code == 200


def test_stopping_process_says_goodbye(bench: Bench) -> None:
    with bench.agent.listening(id=3, toolsListChanged=True) as stream:
        stream.next()
        bench.gateway.stop()

        assert stream.next()["id"] == 3
        assert stream.rest() == []


# --- many -------------------------------------------------------------------------------------------------------------

MANY = 500


class CountedLane(Lane):
    """A lane that knows how often the database was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self._counted: dict[Any, Any] = {}

    def read(self, batch: Any, item: Any) -> Any:
        return super().read(self._counted.setdefault(batch, self._count(batch)), item)

    def _count(self, batch: Batch[Any, Any]) -> Batch[Any, Any]:
        def counted(items: Sequence[Any]) -> Sequence[Statement]:
            self.reads += 1
            return batch.statements(items)

        return Batch(counted, batch.results)


def test_many_listeners_share_the_reads_of_one_edit(bench: Bench) -> None:
    door = Door(
        token=bench.agent.token,
        pack=str(bench.pack.pk),
        registered_user=bench.user.pk,
    )
    told: list[bytes] = []
    echo = bench.tool("echo")

    async def scene() -> int:
        lane = CountedLane()
        lane.start()
        access = Access(lane)
        listeners = Listeners(access)
        comparing = asyncio.create_task(listeners.compare_forever())
        never, all_told = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await never.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if b"list_changed" in message.get("body", b""):
                told.append(message["body"])
            if len(told) == MANY:
                all_told.set()

        visit = await access.enter(door)
        digest = await list_digest(visit.pack)
        serving = [
            asyncio.create_task(
                listeners.serve(
                    Listener(door, visit, digest), receive, send, first=None
                )
            )
            for _ in range(MANY)
        ]
        await asyncio.sleep(0.5)
        before = lane.reads
        await in_database(omit, [echo], actor=bench.operator.actor)
        async with asyncio.timeout(60):
            await all_told.wait()
        reads = lane.reads - before
        listeners.close()
        await asyncio.gather(*serving)
        comparing.cancel()
        await lane.stop()
        return reads

    reads = asyncio.run(scene())

    assert len(told) == MANY
    assert reads < 10


def test_sdk_client_hears_that_its_list_changed(bench: Bench) -> None:
    echo = bench.tool("echo")

    async def scene() -> None:
        async with (
            asyncio.timeout(30),
            sdk_client(bench.agent, "2026-07-28") as client,
            client.listen(tools_list_changed=True) as subscription,
        ):
            await in_database(omit, [echo], actor=bench.operator.actor)
            async for _news in subscription:
                return

    asyncio.run(scene())
