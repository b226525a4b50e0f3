"""The rows of calls, as they are written in the rounds of a lane."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from gateway.database import in_database
from gateway.ids import new_id
from gateway.lane import Lane
from gateway.mcp.models import ToolCall
from gateway.mcp.records import CallFacts, NotRecorded, Outcome, RecordWriter
from tests.mcp.conftest import close_connections
from tests.test_lane_rounds import on_a_lane
from tests.test_pipeline import connected

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def facts(**members: Any) -> CallFacts:
    return CallFacts(
        **{
            "id": new_id("call"),
            "workspace_id": "ws_1",
            "process_id": "process_1",
            "started_at": NOW,
            "tool_name": "echo",
            **dict.fromkeys(
                [
                    "api_key_id",
                    "registered_user_id",
                    "agent_profile_id",
                    "pack_id",
                    "tool_set_id",
                    "tool_id",
                    "fingerprint",
                    "protocol_version",
                    "client",
                ],
                "",
            ),
            "argument_bytes": 1,
            "headers": {},
            **members,
        }
    )


DONE = Outcome(state=ToolCall.State.SUCCEEDED, finished_at=NOW)


def test_row_is_opened_before_it_is_closed_however_they_meet() -> None:
    """A call that is cancelled while it is opened closes its row in the same round as others close theirs."""
    earlier, cancelled = facts(), facts()

    async def scene(lane: Lane) -> None:
        writer = RecordWriter(lane)
        await writer.open(earlier)
        await asyncio.gather(
            writer.close(earlier.id, DONE),
            writer.open(cancelled),
            writer.close(cancelled.id, DONE),
        )

    on_a_lane(scene)

    assert set(ToolCall.objects.values_list("state", flat=True)) == {"succeeded"}


def test_row_that_does_not_fit_fails_alone() -> None:
    good, bad = facts(), facts(argument_bytes=-5)

    async def scene(lane: Lane) -> list[Any]:
        writer = RecordWriter(lane)
        opening = (writer.open(good), writer.open(bad), writer.open(good))
        return list(await asyncio.gather(*opening, return_exceptions=True))

    first, refused, twice = on_a_lane(scene)

    assert first is None
    assert isinstance(refused, NotRecorded)
    assert isinstance(twice, NotRecorded)
    assert ToolCall.objects.get().pk == good.id


def test_row_is_closed_once() -> None:
    row = facts()

    async def scene(lane: Lane) -> None:
        writer = RecordWriter(lane)
        await writer.open(row)
        await writer.close(row.id, DONE)
        await writer.close(row.id, Outcome(state=ToolCall.State.FAILED, code="late"))

    on_a_lane(scene)

    closed = ToolCall.objects.get()
    assert (closed.state, closed.code, closed.amendment) == ("succeeded", "", "")


def test_row_given_up_meanwhile_learns_its_true_outcome() -> None:
    row = facts()

    async def scene(lane: Lane) -> None:
        writer = RecordWriter(lane)
        await writer.open(row)
        await in_database(_give_up)
        await writer.close(row.id, DONE)

    on_a_lane(scene)

    close_connections()
    closed = ToolCall.objects.get()
    assert (closed.state, closed.amendment) == ("interrupted", "succeeded")


def _give_up() -> None:
    ToolCall.objects.update(state="interrupted", code="process_lost")


def test_closing_that_nobody_waits_for_is_seen_through() -> None:
    row = facts()

    async def scene(lane: Lane) -> None:
        writer = RecordWriter(lane)
        await writer.open(row)
        closing = asyncio.create_task(writer.close(row.id, DONE))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])

    on_a_lane(scene)

    assert ToolCall.objects.get().state == "succeeded"


@pytest.fixture
def slow_commit() -> Iterator[None]:
    """A row is inserted at once and committed seconds later; whoever asks the server to leave it is heard, not heeded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN BEGIN PERFORM pg_sleep(5); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1); END; "
            "RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON mcp_toolcall "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER slow ON mcp_toolcall")
        cursor.execute("DROP FUNCTION slow")


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no server that goes on alone"
)
@pytest.mark.usefixtures("slow_commit")
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_row_that_is_committed_after_it_was_given_up_gets_its_end_all_the_same(
    monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    monkeypatch.setattr("gateway.pipeline._ANSWER_SECONDS", 0.3)
    call = facts()

    async def scene(lane: Lane) -> str | None:
        await connected(lane)
        writer = RecordWriter(lane)
        opening = asyncio.ensure_future(writer.open(call))
        await asyncio.sleep(0)
        if is_cancelled:
            opening.cancel()
        (given_up,) = await asyncio.gather(opening, return_exceptions=True)
        if isinstance(given_up, asyncio.CancelledError):
            await writer.close(call.id, DONE)
        return await in_database(end_of, call.id)

    state = on_a_lane(scene)
    close_connections()

    assert state == ("succeeded" if is_cancelled else "failed")


def end_of(call_id: str) -> str | None:
    """The state in which the call ends, soon."""
    until = time.monotonic() + 10
    ended = ToolCall.objects.filter(pk=call_id).exclude(state="running")
    while time.monotonic() < until:
        if state := ended.values_list("state", flat=True).first():
            return str(state)
    return None
