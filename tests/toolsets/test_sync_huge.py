"""A sync of very many tools: it ends, in bounded memory, and lets other writers through."""

import re
import threading
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import pytest
from django.db import connection

from gateway.identity.models import Account, Revision
from tests.conftest import Person
from tests.toolsets.conftest import Connect, Sync
from tests.upstreams import App, json_rpc_app, tool
from toolsets.adapters import lister
from toolsets.models import SyncState, Tool
from toolsets.sync import Result, request_sync, run_sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

SCHEMA = {
    "type": "object",
    "properties": {
        f"parameter_{n}": {"type": "string", "description": "What it is for." * 3}
        for n in range(6)
    },
    "required": ["parameter_0"],
}


def paged(count: int, *, page_size: int) -> App:
    """An upstream with `count` tools."""

    def page(request: dict[str, Any]) -> dict[str, Any]:
        start = int(request.get("params", {}).get("cursor", 0))
        end = min(start + page_size, count)
        tools = [tool(f"tool_{n}", inputSchema=SCHEMA) for n in range(start, end)]
        return {"tools": tools} | ({"nextCursor": str(end)} if end < count else {})

    return json_rpc_app(page)


class Writer:
    """Another writer: one row again and again, on a thread of its own; how long each took, and how far the sync was."""

    def __init__(self, account: Account) -> None:
        self.account_id = account.pk
        self.seconds: list[float] = []
        self.progress: set[int] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(30)

    def _write(self) -> None:
        while not self._ending.wait(0.005):
            began = monotonic()
            Account.objects.filter(pk=self.account_id).update(name="Acme")
            self.seconds.append(monotonic() - began)
            self.progress.add(SyncState.objects.get().tools_written)
        connection.close()


@pytest.mark.parametrize(("count", "page_size"), [(6_000, 1_000), (3_000, 3_000)])
def test_many_tools_are_synced_while_others_write(
    count: int, page_size: int, serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(paged(count, page_size=page_size)).url())
    request_sync(tool_set, actor=alice.actor)

    with Writer(alice.workspace.account) as writer:
        outcome = run_sync(tool_set.pk)

    assert (outcome.result, outcome.tools_synced) == (Result.COMPLETED, count)
    assert Tool.objects.filter(tool_set=tool_set).available().count() == count
    assert len(writer.seconds) > 20
    assert median(writer.seconds) < 0.5
    assert len(writer.progress - {0, count}) > 2, "it came in between"


class Writes:
    """The tables that statements wrote to."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        if found := re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql):
            self.tables.append(found[1])
        return execute(sql, *rest)


def megabytes(pid: int | str, what: str) -> float:
    """The memory of a process: VmRSS is what it has, VmHWM the most that it had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) / 1024


def test_unchanged_sync_of_5000_tools_writes_its_events_and_nothing_else(
    serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(paged(5_000, page_size=1_000)).url())
    request_sync(tool_set, actor=alice.actor)
    run_sync(tool_set.pk)
    before = list(Revision.objects.order_by("pk").values_list())
    request_sync(tool_set, actor=alice.actor)
    writes = Writes()

    with connection.execute_wrapper(writes):
        outcome = run_sync(tool_set.pk)

    assert outcome.message == "5,000 tools: 0 new, 0 changed, 0 archived."
    assert set(writes.tables) == {"toolsets_syncstate", "toolsets_toolsetevent"}
    assert writes.tables.count("toolsets_toolsetevent") == 2
    assert list(Revision.objects.order_by("pk").values_list()) == before


def test_memory_of_a_large_sync_is_bounded(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    while lister._idle:  # who listed for another test remembers its peak
        lister._idle.pop().end()
    sync(connect(serve(paged(10, page_size=10)).url()))
    before = megabytes("self", "VmRSS")

    sync(connect(serve(paged(5_000, page_size=1_000)).url()))

    assert megabytes("self", "VmRSS") - before < 64
    used = [idle._process.pid for idle in lister._idle if idle.is_usable]
    assert used
    assert all(megabytes(pid, "VmHWM") < 256 for pid in used)
    assert lister._idle
