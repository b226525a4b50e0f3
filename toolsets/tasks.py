"""The background work of tool sets. Every task may run twice, and a lost one is found again by the sweep."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import (
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from gateway.errors import GatewayError
from gateway.identity.installation import check_fit
from toolsets import sync
from toolsets.models import ToolSet

log = logging.getLogger(__name__)

SWEEP_SECONDS = 30
_MOST_PER_SWEEP = 500


@shared_task(
    name="toolsets.sync_tool_set",
    ignore_result=True,
    soft_time_limit=settings.SYNC_TIMEOUT_SECONDS + 600,
    time_limit=settings.SYNC_TIMEOUT_SECONDS + 660,
)
def sync_tool_set(*, tool_set_id: str, **_: Any) -> None:
    """Sync one tool set, if that is due, and again when it was asked for meanwhile."""
    outcome = sync.run_sync(tool_set_id)
    if outcome.is_due_again and not sync.stopping.is_set():
        wake_sync(tool_set_id)


def wake_sync(tool_set_id: str) -> None:
    """Wake a worker for a set whose sync is due; when the broker is away, the next sweep finds it."""
    try:
        sync_tool_set.delay(tool_set_id=tool_set_id)
    except OperationalError as exc:
        log.warning("no worker woken", extra={"cause": type(exc).__name__})


@shared_task(
    name="toolsets.sweep_due_syncs",
    ignore_result=True,
    soft_time_limit=60,
    time_limit=90,
)
def sweep_due_syncs(**_: Any) -> None:
    """Wake a worker for each set that is due. A wake-up nobody had time for is void when the next sweep comes."""
    due = ToolSet.objects.due(at=timezone.now()).order_by("sync__due_at", "pk")
    for tool_set_id in due.values_list("pk", flat=True)[:_MOST_PER_SWEEP]:
        sync_tool_set.apply_async(
            kwargs={"tool_set_id": tool_set_id}, expires=SWEEP_SECONDS
        )


@worker_init.connect
def refuse_misfit(**_: Any) -> None:
    """A worker with other keys than its database's would fail every sync: it does not start."""
    try:
        check_fit()
    except GatewayError as exc:
        raise SystemExit(exc.message) from exc
    finally:
        connection.close()


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """Find what became due while no worker was there."""
    sweep_due_syncs.apply_async(expires=SWEEP_SECONDS)


@worker_shutting_down.connect
def let_go(**_: Any) -> None:
    """End running syncs at their next step, so that the worker can stop."""
    sync.stopping.set()


@worker_shutdown.connect
def let_begin(**_: Any) -> None:
    """Let another worker of this process sync again."""
    sync.stopping.clear()
