"""The embedded worker: real tasks over the broker of the environment, in this process."""

from collections import defaultdict
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
from toolsets.tasks import sync_tool_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finished() -> Iterator[dict[str, Event]]:
    """An event for each task name, set when a task of that name has ended."""
    ended: dict[str, Event] = defaultdict(Event)

    def on_end(task: Any, **_: Any) -> None:
        ended[task.name].set()

    signals.task_postrun.connect(on_end)
    yield ended
    signals.task_postrun.disconnect(on_end)


@pytest.fixture
def worker() -> Iterator[EmbeddedWorker]:
    """A worker that finds no task which another test sent."""
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

    assert finished["toolsets.sync_tool_set"].wait(15)
    assert events_of(tool_set) == [("sync_started", ""), ("sync_completed", "")]


def test_task_that_is_sent_is_done_soon(
    serve: Any,
    connect: Connect,
    alice: Person,
    worker: EmbeddedWorker,
    finished: dict[str, Event],
) -> None:
    worker.start()
    assert finished["toolsets.sweep_due_syncs"].wait(15)
    tool_set = due(
        connect, alice, serve(json_rpc_app(lambda _: {"tools": [tool("a")]})).url()
    )

    sync_tool_set.delay(tool_set_id=tool_set.pk)

    assert finished["toolsets.sync_tool_set"].wait(15)
    assert events_of(tool_set)[-1] == ("sync_completed", "")


def test_worker_stops_in_the_middle_of_a_sync(
    serve: Any, connect: Connect, alice: Person, worker: EmbeddedWorker
) -> None:
    asked = Event()
    inner = constant_app(200, b"{}", delay=60)

    async def hanging(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.set()
        await inner(scope, receive, send)

    tool_set = due(connect, alice, serve(hanging).url())
    worker.start()
    assert asked.wait(15)

    began = monotonic()
    worker.stop()

    assert monotonic() - began < 6
    assert events_of(tool_set) == [("sync_started", ""), ("sync_failed", "interrupted")]
