"""What becomes of the calls of processes that fell silent, and of callers who never answered."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.ids import new_id
from gateway.mcp import heartbeat
from gateway.mcp.models import Process, ToolCall

pytestmark = pytest.mark.django_db


def process(*, silent_for: float) -> Process:
    now = timezone.now()
    return Process.objects.create(
        host="h", pid=1, started_at=now, beat_at=now - timedelta(seconds=silent_for)
    )


def call(*, minutes_ago: float = 0, **members: Any) -> ToolCall:
    return ToolCall.objects.create(
        **{
            "id": new_id("call"),
            "workspace_id": "ws_1",
            "process_id": "process_1",
            "tool_name": "echo",
            "state": "running",
            "started_at": timezone.now() - timedelta(minutes=minutes_ago),
            **members,
        }
    )


def fate_of(row: ToolCall) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.code


def test_running_calls_of_a_silent_process_are_given_up() -> None:
    silent, alive = process(silent_for=40), process(silent_for=20)
    lost, kept = call(process_id=silent.pk), call(process_id=alive.pk)
    done = call(process_id=silent.pk, state="succeeded")

    assert heartbeat.sweep() == 1

    assert fate_of(lost) == ("interrupted", "process_lost")
    assert fate_of(kept) == ("running", "")
    assert fate_of(done) == ("succeeded", "")
    assert list(Process.objects.all()) == [alive]


@pytest.mark.parametrize(
    ("rounds", "minutes_ago", "state"),
    [
        (1, 10, "waiting"),
        (1, 12, "interrupted"),
        (2, 20, "waiting"),
        (2, 23, "interrupted"),
    ],
)
def test_waiting_call_is_abandoned_when_its_state_is_too_old(
    rounds: int, minutes_ago: float, state: str
) -> None:
    row = call(state="waiting", rounds=rounds, minutes_ago=minutes_ago)

    heartbeat.sweep()

    assert fate_of(row)[0] == state


def test_process_that_was_given_up_by_mistake_comes_back() -> None:
    alive = process(silent_for=40)
    heartbeat.sweep()

    heartbeat.beat(alive)

    assert Process.objects.get() == alive


def test_process_that_leaves_takes_its_running_calls_along() -> None:
    leaving = process(silent_for=0)
    row = call(process_id=leaving.pk)

    heartbeat.leave(leaving)

    assert fate_of(row) == ("interrupted", "process_lost")
    assert not Process.objects.exists()
