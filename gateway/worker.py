"""The worker of the embedded mode: Celery and its schedule, on threads of the server process."""

import os
from collections.abc import Mapping
from threading import Event, Thread
from time import monotonic
from typing import Any

from celery import signals
from celery.worker import WorkController, state

from gateway.celery import app

_CONCURRENCY = 4
_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


class EmbeddedWorker:
    """One Celery worker and one scheduler. Tasks it has not finished when it stops are found again by the next."""

    def __init__(self) -> None:
        self._ready = Event()
        self._ending = Event()
        self._threads = [
            Thread(target=self._work, name="worker", daemon=True),
            Thread(target=self._schedule, name="schedule", daemon=True),
        ]

    def start(self) -> None:
        """Begin to work; returns when tasks are taken.

        Raises:
            RuntimeError: the worker did not come up.
        """
        for thread in self._threads:
            thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError("The embedded worker did not start.")

    def stop(self) -> None:
        """Stop both threads, running tasks included, within about five seconds. Doing it twice does no harm."""
        if self._ending.is_set():
            return
        deadline = monotonic() + _STOP_SECONDS
        self._ending.set()
        signals.worker_shutting_down.send(
            sender=str(self), sig="TERM", how="Warm", exitcode=0
        )
        state.should_stop = os.EX_OK  # type: ignore[assignment] # its stubs know only the default
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        state.should_stop = None

    def _work(self) -> None:
        # Made on this thread, because Celery's Django support looks at the database when a worker is made.
        app.finalize()
        app.loader.import_default_modules()
        controller = WorkController(
            app=app,
            pool_cls="threads",
            concurrency=_CONCURRENCY,
            hostname=f"embedded@{os.getpid()}",
            loglevel="WARNING",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            quiet=True,
            ready_callback=self._take_tasks,
        )
        controller.start()

    def _take_tasks(self, consumer: Any) -> None:
        signals.worker_ready.send(sender=consumer)
        self._ready.set()

    def _schedule(self) -> None:
        due = {name: _interval(entry) for name, entry in _entries().items()}
        started = monotonic()
        while not self._ending.wait(max(0.0, min(due.values()) - _since(started))):
            for name, entry in _entries().items():
                if due[name] <= _since(started):
                    due[name] += _interval(entry)
                    app.send_task(entry["task"], **entry.get("options", {}))


def _entries() -> Mapping[str, Mapping[str, Any]]:
    entries: Mapping[str, Mapping[str, Any]] = app.conf.beat_schedule
    return entries


def _interval(entry: Mapping[str, Any]) -> float:
    return float(entry["schedule"])


def _since(started: float) -> float:
    return monotonic() - started
