"""The embedded worker: real tasks over the broker of the environment, in this process."""

from collections.abc import Iterator
from threading import Event
from time import monotonic
from typing import Any

import pytest
from celery import signals
from django.db import connection

from gateway.celery import app
from gateway.worker import EmbeddedWorker
from tests.conftest import Person
from tests.toolsets.conftest import Connect, events_of
from tests.upstreams import constant_app, json_rpc_app, tool
from toolsets.models import ToolSet
from toolsets.sync import request_sync
from toolsets.tasks import sweep_due_syncs, sync_tool_set

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 40.0
"""How long a busy machine may take for what is done at once elsewhere."""


@pytest.fixture
def finished() -> Iterator[dict[str, Event]]:
    """An event for each task name, set when a task of that name has ended."""
    ended = {task.name: Event() for task in (sweep_due_syncs, sync_tool_set)}

    def on_end(task: Any, **_: Any) -> None:
        if task.name in ended:
            ended[task.name].set()

    signals.task_postrun.connect(on_end)
    yield ended
    signals.task_postrun.disconnect(on_end)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedWorker]:
    """A worker that finds no task which another test sent, and leaves none that runs."""
    monkeypatch.setattr("gateway.worker._STOP_SECONDS", WAIT_SECONDS)
    app.control.purge()
    running = EmbeddedWorker()
    yield running
    running.stop()
    connection.close()


def due(connect: Connect, alice: Person, url: str) -> ToolSet:
    tool_set = connect(url)
    request_sync(tool_set, actor=alice.actor)
    return tool_set


def test_what_was_due_before_the_worker_came_is_synced(
    serve: Any,
    connect: Connect,
    alice: Person,
    worker: EmbeddedWorker,
    finished: dict[str, Event],
) -> None:
    tool_set = due(
        connect, alice, serve(json_rpc_app(lambda _: {"tools": [tool("a")]})).url()
    )

    worker.start()

    assert finished["toolsets.sync_tool_set"].wait(WAIT_SECONDS)
    assert events_of(tool_set) == [("sync_started", ""), ("sync_completed", "")]


def test_task_that_is_sent_is_done_soon(
    serve: Any,
    connect: Connect,
    alice: Person,
    worker: EmbeddedWorker,
    finished: dict[str, Event],
) -> None:
    worker.start()
    assert finished["toolsets.sweep_due_syncs"].wait(WAIT_SECONDS)
    tool_set = due(
        connect, alice, serve(json_rpc_app(lambda _: {"tools": [tool("a")]})).url()
    )

    sync_tool_set.delay(tool_set_id=tool_set.pk)

    assert finished["toolsets.sync_tool_set"].wait(WAIT_SECONDS)
    assert events_of(tool_set)[-1] == ("sync_completed", "")


def test_worker_stops_in_the_middle_of_a_sync(
    serve: Any, connect: Connect, alice: Person, worker: EmbeddedWorker
) -> None:
    asked = Event()
    inner = constant_app(200, b"{}", delay=100)

    async def hanging(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.set()
        await inner(scope, receive, send)

    tool_set = due(connect, alice, serve(hanging).url())
    worker.start()
    assert asked.wait(WAIT_SECONDS)

    began = monotonic()
    worker.stop()

    assert monotonic() - began < WAIT_SECONDS
    assert events_of(tool_set) == [("sync_started", ""), ("sync_failed", "interrupted")]
