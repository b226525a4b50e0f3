"""What calls cost while things change: one edit a second, and a sync of 50,000 tools of another tool set."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from benchmarks.generator import Running
from benchmarks.load import Measured
from benchmarks.results import Bar, Cell, median_cell
from benchmarks.stage import Stage
from benchmarks.toolcrib import Toolcrib

CLIENTS = 32
TOOLS = 500
SYNC_SECONDS = 180


def run(stage: Stage) -> None:
    for toolcrib in stage.toolcribs:
        calm = _under_edits(stage, toolcrib)
        _under_sync(stage, toolcrib, calm)


@contextmanager
def edited_every_second(toolcrib: Toolcrib, size: int) -> Iterator[list[str]]:
    """Take a tool out of the pack and bring it back, once a second; gives what went wrong."""
    over, wrong = threading.Event(), list[str]()

    def edit() -> None:
        is_omitted = False
        try:
            while not over.wait(1):
                is_omitted = not is_omitted
                toolcrib.omit_last_tool(size, is_omitted=is_omitted)
            if is_omitted:
                toolcrib.omit_last_tool(size, is_omitted=False)
        except OSError as exc:
            wrong.append(str(exc))

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        yield wrong
    finally:
        over.set()
        editor.join()


def _under_edits(stage: Stage, toolcrib: Toolcrib) -> Cell:
    """Gives what calls cost without edits."""
    calm, edited = [], []
    seconds = stage.plan.edit_seconds
    served = toolcrib.served(TOOLS)
    for _ in range(stage.plan.rounds):
        calm.append(
            stage.measure(served, method="tools/call", clients=CLIENTS, seconds=seconds)
        )
        with edited_every_second(toolcrib, TOOLS) as wrong:
            edited.append(
                stage.measure(
                    served, method="tools/call", clients=CLIENTS, seconds=seconds
                )
            )
        if wrong:
            stage.report.say(f"{toolcrib.name}: an edit failed: {wrong[0]}")
    before = median_cell(toolcrib.name, CLIENTS, TOOLS, calm)
    during = median_cell(f"{toolcrib.name}, edited", CLIENTS, TOOLS, edited)
    stage.report.cells += [before, during]
    ratio = during.gateway_cpu / before.gateway_cpu
    stage.report.judge(
        Bar(
            name=f"{toolcrib.name}, an edit a second: CPU / calm", value=ratio, limit=2
        ),
        Bar(
            name=f"{toolcrib.name}, an edit a second: p99 (calm {before.p99:.0f})",
            value=during.p99,
            limit=100,
            unit="ms",
        ),
    )
    return before


def _under_sync(stage: Stage, toolcrib: Toolcrib, calm: Cell) -> None:
    load = toolcrib.served(50).load(
        method="tools/call", clients=CLIENTS, seconds=SYNC_SECONDS
    )
    running = Running(replace(load, warmup=2))
    time.sleep(3)
    began = time.monotonic()
    event = _sync(stage, toolcrib)
    took = time.monotonic() - began
    measured = running.stop()
    toolcrib.made(measured)
    huge = f"{stage.plan.huge:,} tools"
    stage.report.say(
        f"{toolcrib.name}: {event or 'no end of the sync'} after {took:.1f} s; {_speed(measured)} meanwhile"
    )
    stage.report.judge(
        Bar(
            name=f"{toolcrib.name}, {huge} sync: tools",
            value=event.get("syncCompleted", {}).get("toolsSynced", 0),
            limit=stage.plan.huge,
            unit="tools",
            is_at_least=True,
        ),
        Bar(
            name=f"{toolcrib.name}, {huge} sync: p99 of other calls (calm {calm.p99:.0f})",
            value=measured.p99,
            limit=100,
            unit="ms",
        ),
    )


def _sync(stage: Stage, toolcrib: Toolcrib) -> dict[str, Any]:
    """Connect an upstream with very many tools, and wait for the event that ends its first sync."""
    url = f"{stage.upstream.url}/mcp/{stage.plan.huge}"
    body = {"metadata": {"name": "Huge"}, "spec": {"adapter": {"mcp": {"url": url}}}}
    tool_set = toolcrib.rest("POST", "/v1/tool_sets", body)["metadata"]["id"]
    ended = {"sync_completed", "sync_failed"}
    deadline = time.monotonic() + SYNC_SECONDS - 10
    while time.monotonic() < deadline:
        time.sleep(0.5)
        for item in toolcrib.rest("GET", f"/v1/tool_sets/{tool_set}/events")["items"]:
            event: dict[str, Any] = item["event"]
            if event["type"] in ended:
                return event
    return {}


def _speed(measured: Measured) -> str:
    return f"{measured.per_second:.0f} calls/s, p50 {measured.p50:.1f}, p99 {measured.p99:.1f}, worst {measured.worst:.0f} ms"
