"""The stage of one run: the upstream, Toolcrib on each database, and the peers that can be had."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.contestants import (
    PEERS,
    NotInstalled,
    Served,
    direct,
    start_upstream,
)
from benchmarks.generator import measure
from benchmarks.instances import NotAvailable
from benchmarks.load import Measured
from benchmarks.machine import wait_until_idle
from benchmarks.processes import DidNotStart, Started
from benchmarks.results import Cell, Report, median_cell
from benchmarks.toolcrib import Toolcrib, on_postgresql, on_sqlite


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long and how often to measure."""

    seconds: float
    rounds: int
    soak_minutes: float
    edit_seconds: float
    crowd: int = 10_000
    huge: int = 50_000


QUICK = Plan(seconds=1.5, rounds=2, soak_minutes=1, edit_seconds=5)
FULL = Plan(seconds=5, rounds=3, soak_minutes=5, edit_seconds=15)


@dataclass(kw_only=True)
class Stage:
    """Who is up."""

    upstream: Started
    plan: Plan
    report: Report
    toolcribs: list[Toolcrib] = field(default_factory=list)

    @contextmanager
    def contestants(self, tools: int) -> Iterator[list[Served]]:
        """Everyone in front of this many tools; a peer that cannot be had is named and left out."""
        with ExitStack() as stack:
            up = [direct(self.upstream, tools)]
            up += [toolcrib.served(tools) for toolcrib in self.toolcribs]
            for name, start in PEERS.items():
                try:
                    peer = start(self.upstream, tools)
                except (NotInstalled, DidNotStart) as exc:
                    self.report.say(f"LEFT OUT: {name}: {exc}")
                    continue
                stack.callback(peer.stop)
                up.append(peer)
            wait_until_idle(
                pid for one in up for pids in one.watch.values() for pid in pids
            )
            yield up

    def measure(
        self, served: Served, *, method: str, clients: int, seconds: float = 0
    ) -> Measured:
        """One window of load; a Toolcrib remembers the calls it answered."""
        seconds = seconds or self.plan.seconds
        measured = measure(served.load(method=method, clients=clients, seconds=seconds))
        if method == "tools/call":
            for toolcrib in self.toolcribs:
                if toolcrib.name == served.name:
                    toolcrib.made(measured)
        return measured

    def in_turns(
        self, contestants: list[Served], *, method: str, clients: int, tools: int
    ) -> list[Cell]:
        """Each contestant once per round, so that a noisy minute hurts all of them; the medians go to the report."""
        rounds: dict[str, list[Measured]] = {one.name: [] for one in contestants}
        for _ in range(self.plan.rounds):
            for one in contestants:
                rounds[one.name].append(
                    self.measure(one, method=method, clients=clients)
                )
        cells = [
            median_cell(name, clients, tools, measured)
            for name, measured in rounds.items()
        ]
        self.report.cells.extend(cells)
        return cells


@contextmanager
def opened(plan: Plan, report: Report) -> Iterator[Stage]:
    """Start the upstream and Toolcrib, and end all of it."""
    with ExitStack() as stack:
        upstream = start_upstream()
        stage = Stage(upstream=upstream, plan=plan, report=report)
        stack.callback(lambda: stage.upstream.stop())  # it may be another by then
        for start in (on_sqlite, on_postgresql):
            try:
                toolcrib = start(upstream)
            except NotAvailable as exc:
                report.say(f"LEFT OUT: Toolcrib PostgreSQL: {exc}")
                continue
            stack.callback(toolcrib.stop)
            stage.toolcribs.append(toolcrib)
        yield stage
