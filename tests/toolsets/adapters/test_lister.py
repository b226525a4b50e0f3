"""The process that lists tools: what it has, what becomes of it, and of a sync when it dies."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from tests.toolsets.conftest import Connect, Sync, events_of, statuses_of
from tests.upstreams import constant_app, json_rpc_app, tool
from toolsets import sync as syncing
from toolsets.adapters import lister
from toolsets.adapters.listing import Source
from toolsets.models import ToolSet
from toolsets.sync import SyncOutcome

pytestmark = pytest.mark.django_db

OFFERING = json_rpc_app(lambda _: {"tools": [tool("a")]})
HANGS_SECONDS = 60


@pytest.fixture(autouse=True)
def no_listers() -> Iterator[None]:
    """Every test begins and ends without one."""
    end_all()
    yield
    end_all()


def end_all() -> None:
    while lister._idle:
        lister._idle.pop().end()


def listers_of(pid: int) -> list[int]:
    """The listing processes that this process has started and that still run."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    pids = [int(child) for file in children for child in file.read_text().split()]
    return [child for child in pids if b"listing_process" in told(child, "cmdline")]


def told(pid: int, what: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""


def is_alive(pid: int) -> bool:
    state = told(pid, "stat").rpartition(b") ")[2][:1]
    return state not in {b"", b"Z"}


def wait_until(happened: Callable[[], Any], *, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


def hanging(connect: Connect, serve: Any) -> tuple[ToolSet, threading.Event]:
    """A tool set whose upstream is asked and never answers, and what is set when it is."""
    asked = threading.Event()
    inner = constant_app(200, b"{}", delay=HANGS_SECONDS)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.set()
        await inner(scope, receive, send)

    return connect(serve(app).url()), asked


def beside(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_lister_has_no_environment_and_no_open_files_of_ours(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    assert sync(connect(serve(OFFERING).url())).error_type == ""

    (pid,) = listers_of(os.getpid())
    environment = told(pid, "environ").decode()
    assert django_settings.SECRET_KEY not in environment
    assert not any(
        name in environment
        for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "PATH=", "HOME")
    )
    files = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
    assert not [file for file in files if "sqlite" in file]


def test_lister_serves_one_sync_after_another(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    sync(connect(serve(OFFERING).url()))
    first = listers_of(os.getpid())

    sync(connect(serve(OFFERING).url()))
    sync(connect(serve(constant_app(500, b"")).url()))

    assert listers_of(os.getpid()) == first
    assert len(first) == 1


def test_lister_that_died_while_it_waited_is_replaced(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    tool_set = connect(serve(OFFERING).url())
    sync(tool_set)
    (pid,) = listers_of(os.getpid())
    os.kill(pid, signal.SIGKILL)
    lister._idle[0]._process.wait(10)

    assert sync(tool_set).tools_synced == 1
    assert listers_of(os.getpid()) != [pid]


def test_lister_that_may_be_about_to_end_for_want_of_work_is_replaced(
    serve: Any, connect: Connect, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_set = connect(serve(OFFERING).url())
    sync(tool_set)
    before = listers_of(os.getpid())
    monkeypatch.setattr(lister, "_REUSED_WITHIN_SECONDS", 0)

    assert sync(tool_set).tools_synced == 1

    (pid,) = listers_of(os.getpid())
    assert [pid] != before


def test_lister_that_is_killed_ends_the_sync_as_a_failure_and_the_next_one_works(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    good = connect(serve(OFFERING).url())
    tool_set, asked = hanging(connect, serve)

    def kill() -> None:
        asked.wait(60)
        for pid in listers_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)

    killing = beside(kill)
    began = time.monotonic()
    outcome = sync(tool_set)
    killing.join()

    assert outcome.error_type == "lister_ended"
    assert time.monotonic() - began < HANGS_SECONDS
    assert events_of(tool_set) == [
        ("sync_started", ""),
        ("sync_failed", "lister_ended"),
    ]
    assert sync(good).tools_synced == 1
    assert list(statuses_of(good)) == ["a"]


def test_stopping_worker_ends_the_lister_with_the_sync(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    tool_set, asked = hanging(connect, serve)

    def stop() -> None:
        asked.wait(60)
        syncing.stopping.set()

    stopping = beside(stop)
    began = time.monotonic()
    try:
        outcome: SyncOutcome = sync(tool_set)
    finally:
        stopping.join()
        syncing.stopping.clear()

    assert (outcome.error_type, outcome.is_due_again) == ("interrupted", True)
    assert time.monotonic() - began < HANGS_SECONDS
    assert listers_of(os.getpid()) == []


_PARENT = """
import sys, time
from toolsets.adapters.lister import _Lister
from toolsets.adapters.listing import Source
held = _Lister()
source = Source(adapter_type="mcp", adapter={"url": sys.argv[1]}, headers={}, networks=("127.0.0.0/8",), timeout_seconds=50, max_tools=9)
print(held._process.pid, flush=True)
if sys.argv[2] == "listing":
    held.list_tools(source, lambda seen: None)
time.sleep(60)
"""


@pytest.mark.parametrize("state", ["waiting", "listing"])
def test_lister_ends_when_whoever_started_it_is_killed(
    state: str, connect: Connect, serve: Any
) -> None:
    tool_set, asked = hanging(connect, serve)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, tool_set.adapter["url"], state],
        cwd=django_settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    try:
        with parent.stdout as said:
            pid = int(said.readline())
        wait_until(asked.is_set if state == "listing" else lambda: is_alive(pid))
    finally:
        parent.kill()
        parent.wait()

    wait_until(lambda: not is_alive(pid))


def test_failure_of_the_lister_itself_is_told_and_spoils_no_later_sync(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    good = connect(serve(OFFERING).url())

    with pytest.raises(lister.ListerBroke, match="KeyError"):
        lister.list_tools(
            Source(
                adapter_type="unknown",
                adapter={},
                headers={},
                networks=(),
                timeout_seconds=60,
                max_tools=1,
            ),
            on_progress=lambda _: None,
        )

    assert sync(good).tools_synced == 1
