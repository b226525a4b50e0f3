"""The background work of bundles: runs that are due. A lost task is found again by the sweep."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.utils import timezone
from kombu.exceptions import OperationalError

from toolpacks.bundles import applying, runs
from toolsets.tasks import sweep_due_syncs

log = logging.getLogger(__name__)

SWEEP_SECONDS = 30
_MOST_PER_SWEEP = 100


@shared_task(
    name="toolpacks.apply_bundle",
    ignore_result=True,
    soft_time_limit=3600,
    time_limit=3660,
)
def apply_bundle(*, run_id: str, **_: Any) -> None:
    """Do one run of a bundle, if it is due, and wake workers for the syncs that it made due."""
    applying.run_bundle(run_id)
    sweep_due_syncs()


def wake_run(run_id: str) -> None:
    """Wake a worker for a run that is due; when the broker is away, the next sweep finds it."""
    try:
        apply_bundle.delay(run_id=run_id)
    except OperationalError as exc:
        log.warning("no worker woken", extra={"cause": type(exc).__name__})


def wake_syncs() -> None:
    """Wake workers for the syncs that a run made due."""
    try:
        sweep_due_syncs.delay()
    except OperationalError as exc:
        log.warning("no worker woken", extra={"cause": type(exc).__name__})


@shared_task(
    name="toolpacks.sweep_bundle_runs",
    ignore_result=True,
    soft_time_limit=60,
    time_limit=90,
)
def sweep_bundle_runs(**_: Any) -> None:
    """Wake a worker for each run that nobody works on: new ones, and those whose worker was lost."""
    waiting = runs.due(at=timezone.now()).order_by("due_at", "pk")
    for run_id in waiting.values_list("pk", flat=True)[:_MOST_PER_SWEEP]:
        apply_bundle.apply_async(kwargs={"run_id": run_id}, expires=SWEEP_SECONDS)


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """Find what became due while no worker was there."""
    sweep_bundle_runs.apply_async(expires=SWEEP_SECONDS)


@worker_shutting_down.connect
def let_go(**_: Any) -> None:
    """End runs at their next step, so that the worker can stop."""
    applying.stopping.set()


@worker_shutdown.connect
def let_begin(**_: Any) -> None:
    """Let another worker of this process apply again."""
    applying.stopping.clear()
