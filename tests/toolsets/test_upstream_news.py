"""An upstream that says its tools changed is synced soon, and not more often than that."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.toolsets.conftest import Connect
from toolsets.models import SyncState
from toolsets.sync import upstream_changed

pytestmark = pytest.mark.django_db


def test_change_announced_by_an_upstream_makes_its_sync_due(connect: Connect) -> None:
    now = timezone.now()
    tool_set = connect("http://127.0.0.1:1/mcp")
    SyncState.objects.filter(tool_set=tool_set).update(
        due_at=now + timedelta(hours=1), last_succeeded_at=now - timedelta(minutes=5)
    )

    assert upstream_changed(tool_set.pk, at=now)

    assert SyncState.objects.get(tool_set=tool_set).due_at == now


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"last_succeeded_at": -2}, 8),
        ({"last_succeeded_at": -2, "due_at": 3}, 3),
        ({"last_failed_at": -5, "failures_in_a_row": 3}, 75),
        ({"last_failed_at": -90, "failures_in_a_row": 3}, 0),
        ({"last_failed_at": -5, "failures_in_a_row": 300, "due_at": 60}, 60),
        ({"claimed_at": -1, "due_at": -9}, 10),
        ({"claimed_at": -1, "due_at": -9, "failures_in_a_row": 9}, 10),
        ({"claimed_at": -1, "due_at": 4}, 4),
        ({"claimed_at": -40, "due_at": -9}, -9),
    ],
)
def test_when_a_change_is_heard(
    connect: Connect, facts: dict[str, int], seconds: int
) -> None:
    now = timezone.now()
    tool_set = connect("http://127.0.0.1:1/mcp")
    state = SyncState.objects.filter(tool_set=tool_set)
    told: dict[str, Any] = {"due_at": now + timedelta(hours=1)}
    for name, value in facts.items():
        is_moment = name.endswith("_at")
        told[name] = now + timedelta(seconds=value) if is_moment else value
    state.update(claimed_by="sync_1" if "claimed_at" in facts else "", **told)

    is_due = upstream_changed(tool_set.pk, at=now)

    assert is_due is (seconds == 0)
    assert state.get().due_at == now + timedelta(seconds=seconds)


def test_change_of_a_tool_set_that_is_gone_is_nobodys(db: None) -> None:
    assert not upstream_changed("ts_gone", at=timezone.now())
