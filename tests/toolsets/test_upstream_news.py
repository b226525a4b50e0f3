"""An upstream that says its tools changed is synced soon, and not more often than that."""

from datetime import timedelta

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


def test_change_announced_right_after_a_sync_makes_the_next_one_due_soon(
    connect: Connect,
) -> None:
    now = timezone.now()
    tool_set = connect("http://127.0.0.1:1/mcp")
    SyncState.objects.filter(tool_set=tool_set).update(
        due_at=now + timedelta(hours=1), last_succeeded_at=now - timedelta(seconds=2)
    )

    assert not upstream_changed(tool_set.pk, at=now)

    soon = now + timedelta(seconds=10)
    assert SyncState.objects.get(tool_set=tool_set).due_at == soon


def test_upstream_that_announces_without_end_puts_nothing_off(connect: Connect) -> None:
    now = timezone.now()
    tool_set = connect("http://127.0.0.1:1/mcp")
    SyncState.objects.filter(tool_set=tool_set).update(
        due_at=now + timedelta(seconds=3), last_succeeded_at=now - timedelta(seconds=2)
    )

    assert not upstream_changed(tool_set.pk, at=now)

    soon = now + timedelta(seconds=3)
    assert SyncState.objects.get(tool_set=tool_set).due_at == soon
