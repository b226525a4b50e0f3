"""What stays in memory: a crowd of users who each list once, and a long load under edits."""

import statistics
import time
from dataclasses import replace

from benchmarks.generator import Running, measure
from benchmarks.load import Load
from benchmarks.results import Bar
from benchmarks.scenarios.change import edited_every_second
from benchmarks.stage import Stage
from benchmarks.toolcrib import Toolcrib

CLIENTS = 32
TOOLS = 500
SAMPLE_SECONDS = 1.0


def run(stage: Stage) -> None:
    for toolcrib in stage.toolcribs:
        _soak(stage, toolcrib)
        _crowd(stage, toolcrib)


def _crowd(stage: Stage, toolcrib: Toolcrib) -> None:
    users = toolcrib.enroll(stage.plan.crowd)
    measure(_visits(toolcrib, users[:1], clients=1))  # the first list costs more
    before = toolcrib.memory_mb()
    visited = measure(_visits(toolcrib, users, clients=CLIENTS))
    grown = toolcrib.memory_mb() - before
    stage.report.say(
        f"{toolcrib.name}: {visited.answered:,} users listed {TOOLS} tools once, from {before:.0f} MB"
    )
    stage.report.judge(
        Bar(
            name=f"{toolcrib.name}, {len(users):,} users: growth",
            value=grown,
            limit=100,
            unit="MB",
        )
    )


def _visits(toolcrib: Toolcrib, users: list[str], *, clients: int) -> Load:
    urls = [toolcrib.mcp_url(TOOLS, user) for user in users]
    return Load(
        url=urls[0],
        urls=urls,
        method="tools/list",
        token=toolcrib.token,
        clients=clients,
        seconds=600,
    )


def _soak(stage: Stage, toolcrib: Toolcrib) -> None:
    """Bar 8 compares the end with minute one of five: here, the last tenth of a fifth with the last tenth of all."""
    seconds = stage.plan.soak_minutes * 60
    load = toolcrib.served(TOOLS).load(
        method="tools/call", clients=CLIENTS, seconds=seconds
    )
    samples: list[float] = []
    with edited_every_second(toolcrib, TOOLS):
        running = Running(replace(load, warmup=1))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(SAMPLE_SECONDS)
            samples.append(toolcrib.memory_mb())
        measured = running.result()
    toolcrib.made(measured)
    fifth = _end_of(samples[: max(len(samples) // 5, 1)])
    stage.report.say(
        f"{toolcrib.name}: {measured.calls:,} calls in {seconds:.0f} s, from {fifth:.0f} to {_end_of(samples):.0f} MB, p99 {measured.p99:.0f} ms"
    )
    stage.report.judge(
        Bar(
            name=f"{toolcrib.name}, soak of {stage.plan.soak_minutes:g} min: memory at the end / at a fifth",
            value=_end_of(samples) / fifth,
            limit=1.1,
        )
    )


def _end_of(samples: list[float]) -> float:
    return statistics.median(samples[-max(len(samples) // 10, 1) :])
