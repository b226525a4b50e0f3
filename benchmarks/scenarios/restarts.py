"""What happens to calls when the upstream, Redis or PostgreSQL goes away under load, and how soon all is well again.

Every instance here is the benchmark's own.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from benchmarks.contestants import start_upstream
from benchmarks.generator import Running
from benchmarks.load import Measured
from benchmarks.processes import CACHE, wait_until
from benchmarks.results import Bar
from benchmarks.stage import Stage
from benchmarks.toolcrib import Toolcrib
from benchmarks.upstream import executed

CLIENTS = 32
CALM_SECONDS = 3.0
AWAY_SECONDS = 2.0
WATCHED_SECONDS = 12.0
LEAST_RETURN = (
    0.3  # generous: other work on the machine moves this more than a restart does
)
UNSETTLED = {"running", "waiting"}


def run(stage: Stage) -> None:
    for toolcrib in stage.toolcribs:
        for name, restart in _dependencies(stage, toolcrib).items():
            _restarted(stage, toolcrib, name, restart)


def _dependencies(stage: Stage, toolcrib: Toolcrib) -> dict[str, Callable[[], None]]:
    """What this gateway depends on, each with a function that takes it away, and brings it back before it returns."""
    found = {"upstream": lambda: _restart_upstream(stage)}
    if toolcrib.redis is not None:
        found["Redis"] = lambda: _restart_redis(toolcrib)
    if toolcrib.postgres is not None:
        found["PostgreSQL"] = lambda: _restart_postgres(toolcrib)
    return found


def _restart_upstream(stage: Stage) -> None:
    port = stage.upstream.port
    stage.upstream.stop(kill=True)
    time.sleep(AWAY_SECONDS)
    stage.upstream = start_upstream(port=port)
    for toolcrib in stage.toolcribs:
        toolcrib.upstream = stage.upstream


def _restart_redis(toolcrib: Toolcrib) -> None:
    assert toolcrib.redis is not None
    toolcrib.redis.process.stop(kill=True)
    time.sleep(AWAY_SECONDS)
    toolcrib.redis.start_again()


def _restart_postgres(toolcrib: Toolcrib) -> None:
    assert toolcrib.postgres is not None
    toolcrib.postgres.stop_at_once()
    time.sleep(AWAY_SECONDS)
    toolcrib.postgres.start_again()


def _restarted(
    stage: Stage, toolcrib: Toolcrib, name: str, restart: Callable[[], None]
) -> None:
    counted, logged = executed(CACHE / "executed.count"), _forwarded(toolcrib.log())
    seconds = 3 * CALM_SECONDS + AWAY_SECONDS + WATCHED_SECONDS
    load = toolcrib.served(50).load(
        method="tools/call", clients=CLIENTS, seconds=seconds
    )
    running = Running(replace(load, keeps_going=True))
    wait_until(
        lambda: executed(CACHE / "executed.count") > counted,
        within=30,
        what="the load to begin",
    )
    time.sleep(CALM_SECONDS)
    restart()
    back = time.monotonic()
    measured = running.result()
    settled = _settled(toolcrib)
    toolcrib.called = sum(settled["rows"].values())
    title = f"{toolcrib.name}, {name} restarted"
    calls = executed(CACHE / "executed.count") - counted
    unrecorded = max(calls - (_forwarded(settled) - logged), 0)
    stage.report.say(
        f"{title}: {measured.answered:,} answered, {measured.errors or 'no errors'}; rows {settled['rows']}"
    )
    stage.report.judge(
        Bar(
            name=f"{title}: well again after",
            value=_recovery(measured, back),
            limit=5,
            unit="s",
        ),
        Bar(
            name=f"{title}: answers per second at the end / before",
            value=_return(measured, back),
            limit=LEAST_RETURN,
            is_at_least=True,
        ),
        Bar(
            name=f"{title}: forwarded without a row",
            value=unrecorded,
            limit=0,
            unit="calls",
        ),
        Bar(
            name=f"{title}: without an answer",
            value=measured.errors.get("no answer", 0),
            limit=0,
            unit="calls",
        ),
        Bar(
            name=f"{title}: wrong answers",
            value=_wrong(measured),
            limit=0,
            unit="calls",
        ),
        Bar(
            name=f"{title}: rows left open", value=_open(settled), limit=0, unit="rows"
        ),
    )


def _forwarded(log: dict[str, dict[str, int]]) -> int:
    """How many rows can stand for a call that reached the upstream."""
    undecided = sum(
        log["rows"].get(state, 0) - log["reached"].get(state, 0)
        for state in ("running", "interrupted")
    )
    return sum(log["reached"].values()) + undecided


def _settled(toolcrib: Toolcrib) -> dict[str, dict[str, int]]:
    """The log once nothing is open in it, or after a while."""
    held = [toolcrib.log()]

    def is_settled() -> bool:
        held[0] = toolcrib.log()
        return _open(held[0]) == 0

    with contextlib.suppress(TimeoutError):
        wait_until(is_settled, within=20, what="open rows to be closed")
    return held[0]


def _open(log: dict[str, dict[str, int]]) -> int:
    return sum(log["rows"].get(state, 0) for state in UNSETTLED)


def _recovery(measured: Measured, back: float) -> float:
    """From its return to the last error; the whole time when nothing was answered after it."""
    after = [slice_ for slice_ in measured.timeline if slice_[0] >= back]
    if not any(right for _, right, _ in after):
        return WATCHED_SECONDS
    first = next(at for at, right, _ in after if right)
    return max([first, *(at for at, _, wrong in after if wrong)]) - back


def _return(measured: Measured, back: float) -> float:
    """The rate of the last seconds, drained calls left out, over that of the first."""
    timeline = measured.timeline
    start = timeline[0][0] + 0.5
    end = timeline[-1][0] - 0.5
    before = sum(right for at, right, _ in timeline if start <= at < start + 2)
    after = sum(right for at, right, _ in timeline if end - 2 <= at < end)
    return after / max(before, 1) if end - 2 > back else 0.0


def _wrong(measured: Measured) -> int:
    return sum(
        number
        for kind, number in measured.errors.items()
        if kind.startswith("WrongAnswer")
    )
