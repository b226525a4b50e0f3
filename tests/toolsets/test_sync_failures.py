"""Syncs against upstreams that fail, hang, flood, lie and disappear: a clear event, and the last good tools stay."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.conftest import Person
from tests.toolsets.conftest import Connect, Sync, events_of, statuses_of
from tests.upstreams import (
    App,
    constant_app,
    dripping_app,
    json_rpc_app,
    served,
    tool,
)
from toolsets import claims
from toolsets import sync as syncing
from toolsets.claims import SILENT_AFTER, retry_after
from toolsets.models import SyncState, Tool, ToolSet, ToolSetEvent
from toolsets.sync import Result, request_sync, run_sync

pytestmark = pytest.mark.django_db

JSON = (b"content-type", b"application/json")
AVAILABLE, ARCHIVED = Tool.Status.AVAILABLE, Tool.Status.ARCHIVED


class Switchable:
    """An upstream that is one app now and another one later, at the same address."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def listing(result: Any) -> App:
    return json_rpc_app(lambda _: result)


def disappearing() -> App:
    """Breaks the connection off in the middle of an answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers = [JSON, (b"content-length", b"100000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b'{"jsonrpc', "more_body": True}
        )
        raise asyncio.CancelledError

    return app


def endless_pages() -> App:
    names = (f"t{n}" for n in itertools.count())
    return json_rpc_app(
        lambda _: {
            "tools": [tool(name) for name in itertools.islice(names, 100)],
            "nextCursor": next(names),
        }
    )


HOSTILE: list[tuple[str, Callable[[], App], str, str]] = [
    ("failing", lambda: constant_app(500, b"oops"), "upstream_error", "HTTP 500"),
    ("busy", lambda: constant_app(429, b"later"), "upstream_error", "HTTP 429"),
    ("hanging", lambda: constant_app(200, b"{}", JSON, delay=60), "timed_out", "2 sec"),
    ("drip", lambda: dripping_app(b" ", every_seconds=0.05), "timed_out", "2 seconds"),
    ("flood", lambda: dripping_app(b" " * 10**6, every_seconds=0), "too_large", "64"),
    (
        "unauthorized",
        lambda: constant_app(401, b"{}", JSON),
        "unauthorized",
        "HTTP 401",
    ),
    ("forbidden", lambda: constant_app(403, b"no"), "unauthorized", "HTTP 403"),
    ("not found", lambda: constant_app(404, b"no"), "not_mcp", "HTTP 404"),
    (
        "html",
        lambda: constant_app(200, b"<html>", (b"content-type", b"text/html")),
        "not_mcp",
        "text/html",
    ),
    (
        "not json",
        lambda: constant_app(200, b"{nope", JSON),
        "not_mcp",
        "application/json",
    ),
    ("not rpc", lambda: constant_app(200, b"[1]", JSON), "not_mcp", "application/json"),
    (
        "redirect",
        lambda: constant_app(
            307, b"", (b"location", b"http://u:p@127.0.0.1:9/b?key=1")
        ),
        "redirected",
        "to 127.0.0.1:9/b, and",
    ),
    (
        "compressed",
        lambda: constant_app(200, b"xx", JSON, (b"content-encoding", b"gzip")),
        "too_large",
        "compressed",
    ),
    ("wrong schema", lambda: listing({"tools": "many"}), "invalid_listing", "tools: "),
    ("no tools", lambda: listing({"things": []}), "invalid_listing", "tools: "),
    ("all bad", lambda: listing({"tools": [1, 2]}), "invalid_listing", "None of the 2"),
    ("empty", lambda: listing({"tools": []}), "empty_listing", "lists no tools"),
    (
        "circle",
        lambda: listing({"tools": [tool("a")], "nextCursor": "again"}),
        "invalid_listing",
        "circle",
    ),
    ("endless", endless_pages, "too_many_tools", "more than 500 tools"),
    ("disappearing", disappearing, "upstream_error", "closed the connection"),
]


@pytest.mark.parametrize(
    ("hostile", "error_type", "said"),
    [case[1:] for case in HOSTILE],
    ids=[case[0] for case in HOSTILE],
)
def test_hostile_upstream_fails_the_sync_and_the_last_good_tools_stay(
    hostile: Callable[[], App],
    error_type: str,
    said: str,
    serve: Any,
    connect: Connect,
    sync: Sync,
    settings: Any,
) -> None:
    settings.SYNC_MAX_TOOLS = 500
    upstream = Switchable(listing({"tools": [tool("good"), tool("fine")]}))
    tool_set = connect(serve(upstream).url())
    sync(tool_set)

    upstream.app = hostile()
    if error_type == "timed_out":
        settings.SYNC_TIMEOUT_SECONDS = 2
    outcome = sync(tool_set)

    assert (outcome.result, outcome.error_type) == (Result.FAILED, error_type)
    assert said in outcome.message
    assert statuses_of(tool_set) == {"good": AVAILABLE, "fine": AVAILABLE}
    assert events_of(tool_set)[2:] == [
        ("sync_started", ""),
        ("sync_failed", error_type),
    ]
    state = SyncState.objects.get(tool_set=tool_set)
    assert (state.health, state.last_error_type) == ("stale", error_type)


def test_upstream_that_is_away_is_unreachable(connect: Connect, sync: Sync) -> None:
    with served(constant_app(200, b"")) as upstream:
        tool_set = connect(upstream.url())

    outcome = sync(tool_set)

    assert outcome.error_type == "unreachable"
    assert SyncState.objects.get(tool_set=tool_set).health == "failing"


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]"])
def test_private_address_is_refused_before_anything_is_sent(
    host: str, connect: Connect, sync: Sync
) -> None:
    outcome = sync(connect(f"http://{host}/mcp"))

    assert outcome.error_type == "address_refused"


def test_missing_secret_is_named_and_nothing_is_sent(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    requests: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        requests.extend([scope] if scope["type"] == "http" else [])

    tool_set = connect(serve(app).url(), headers={"X-Key": "${NOT_THERE}"})

    outcome = sync(tool_set)

    assert outcome.error_type == "missing_secret"
    assert "NOT_THERE" in outcome.message
    assert requests == []


def test_upstream_that_recovers_is_healthy_again(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    upstream = Switchable(constant_app(500, b""))
    tool_set = connect(serve(upstream).url())
    sync(tool_set)

    upstream.app = listing({"tools": [tool("a")]})
    outcome = sync(tool_set)

    assert outcome.result == Result.COMPLETED
    state = SyncState.objects.get(tool_set=tool_set)
    assert (state.health, state.failures_in_a_row) == ("healthy", 0)


@pytest.mark.parametrize(
    ("failures", "interval", "seconds"),
    [
        (1, 900, 30),
        (2, 900, 60),
        (3, 900, 120),
        (20, 900, 3600),
        (1, 10, 10),
        (9, 86400, 7680),
    ],
)
def test_retries_come_later_and_later(
    failures: int, interval: int, seconds: float
) -> None:
    wait = retry_after(failures, interval=timedelta(seconds=interval)).total_seconds()

    assert seconds * 0.8 <= wait <= seconds * 1.2


def test_fresh_claim_keeps_others_out_and_a_silent_one_is_taken_over(
    serve: Any, connect: Connect, sync: Sync, alice: Person
) -> None:
    tool_set = connect(serve(listing({"tools": [tool("a")]})).url())
    request_sync(tool_set, actor=alice.actor)
    dead = claims.take(tool_set.pk, at=timezone.now())
    assert dead is not None

    while_fresh = run_sync(tool_set.pk)
    SyncState.objects.update(claimed_at=timezone.now() - SILENT_AFTER)
    when_silent = run_sync(tool_set.pk)

    assert while_fresh.result == Result.NOT_DUE
    assert when_silent.result == Result.COMPLETED
    assert events_of(tool_set) == [
        ("sync_started", ""),
        ("sync_failed", "interrupted"),
        ("sync_started", ""),
        ("sync_completed", ""),
    ]
    with pytest.raises(claims.ClaimLost):
        claims.fail(dead, error_type="late", message="Too late.")


def test_adapter_changed_meanwhile_drops_the_result_and_syncs_again(
    serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(listing({"tools": [tool("of_the_old_adapter")]})).url())
    request_sync(tool_set, actor=alice.actor)
    claim = claims.take(tool_set.pk, at=timezone.now())
    assert claim is not None

    ToolSet.objects.filter(pk=tool_set.pk).update(adapter_version=2)
    outcome = syncing._synced(claim)

    assert outcome.error_type == "changed_meanwhile"
    assert outcome.is_due_again
    assert not Tool.objects.exists()


def test_sync_asked_for_while_one_runs_is_due_again(
    serve: Any, connect: Connect, sync: Sync, alice: Person, dan: Person
) -> None:
    tool_set = connect(serve(listing({"tools": [tool("a")]})).url())
    request_sync(tool_set, actor=alice.actor)
    claim = claims.take(tool_set.pk, at=timezone.now())
    assert claim is not None

    request_sync(tool_set, actor=dan.actor)
    outcome = syncing._synced(claim)

    assert outcome.is_due_again
    run_sync(tool_set.pk)
    authors = ToolSetEvent.objects.order_by("created_at").values_list(
        "created_by__name"
    )
    assert [name for (name,) in authors] == ["Alice", "Alice", "Dan", "Dan"]


def test_stopping_process_lets_go_and_leaves_the_sync_due(
    serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(listing({"tools": [tool("a")]})).url())
    request_sync(tool_set, actor=alice.actor)
    claim = claims.take(tool_set.pk, at=timezone.now())
    assert claim is not None

    syncing.stopping.set()
    try:
        outcome = syncing._synced(claim)
        while_stopping = run_sync(tool_set.pk)
    finally:
        syncing.stopping.clear()

    assert (outcome.error_type, outcome.is_due_again) == ("interrupted", True)
    assert while_stopping.result == Result.NOT_DUE
    assert run_sync(tool_set.pk).result == Result.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_one_syncs(
    serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(listing({"tools": [tool("a")]})).url())
    request_sync(tool_set, actor=alice.actor)
    barrier, results = threading.Barrier(4), list[Result]()

    def work() -> None:
        barrier.wait(10)
        results.append(run_sync(tool_set.pk).result)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(result.name for result in results) == ["COMPLETED", *["NOT_DUE"] * 3]
    assert events_of(tool_set) == [("sync_started", ""), ("sync_completed", "")]
