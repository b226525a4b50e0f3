"""Looks at who works: web processes, workers, and what waits for them."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from gateway.celery import app
from gateway.mcp.diagnosis.findings import Finding, ok, problem, warning
from gateway.mcp.heartbeat import SILENT_AFTER
from gateway.mcp.models import Process
from toolsets.models import ToolSet

_WORKER_ANSWERS_SECONDS = 1.5
_OVERDUE = timedelta(minutes=2)


def workers() -> Iterator[Finding]:
    alive = Process.objects.filter(beat_at__gt=Now() - SILENT_AFTER).count()
    if alive:
        yield ok("web processes", f"{alive} alive.")
    else:
        yield warning(
            "web processes",
            "None is alive.",
            cause="No web process has renewed its heartbeat in 30 seconds.",
            fix="Start one: manage.py run, or make run.",
        )
    if settings.REDIS_URL:
        yield _celery_workers()
    elif not alive:
        yield warning(
            "workers",
            "None is alive, so nothing is synced on schedule.",
            cause="Without Redis the worker runs inside a web process.",
            fix="Start a web process; or sync by hand: manage.py tool_sets sync --all.",
        )
    else:
        yield ok("workers", "It runs inside the web process.")


def _celery_workers() -> Finding:
    try:
        answers = app.control.ping(timeout=_WORKER_ANSWERS_SECONDS)
    except (OperationalError, OSError) as exc:
        answers, cause = [], type(exc).__name__
    else:
        cause = "None answered a ping."
    if answers:
        return ok("workers", f"{len(answers)} answer.")
    return problem(
        "workers",
        "No worker answers, so nothing is synced.",
        cause=cause,
        fix="Start one: celery -A gateway.celery worker.",
    )


def waiting_syncs() -> Finding:
    now = timezone.now()
    due = ToolSet.objects.due(at=now - _OVERDUE)
    overdue = due.exclude(sync__claimed_at__gt=now - SILENT_AFTER).count()
    if overdue:
        return problem(
            "syncs",
            f"{overdue} syncs have been due for more than two minutes, and nobody does them.",
            cause="No worker takes them up, or there are too few.",
            fix="Start a worker; beat, too, must run where there is Redis: celery -A gateway.celery beat.",
        )
    return ok("syncs", "None is overdue.")
