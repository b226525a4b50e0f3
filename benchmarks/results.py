"""What a run found: medians of rounds, bars that are met or missed, tables, and the JSON file."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.load import Measured


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The medians of one contestant at one load. CPU in ms per call, latencies in ms, memory in MB."""

    name: str
    clients: int
    tools: int
    per_second: float
    p50: float
    p95: float
    p99: float
    cpu: dict[str, float]
    memory: float

    @property
    def gateway_cpu(self) -> float:
        return self.cpu["gateway"]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One thing that should be true, with how far it is: `value` at most (or at least) `limit`."""

    name: str
    value: float
    limit: float
    unit: str = "x"
    is_at_least: bool = False

    @property
    def is_met(self) -> bool:
        return (
            self.value >= self.limit if self.is_at_least else self.value <= self.limit
        )

    def __str__(self) -> str:
        relation = "at least" if self.is_at_least else "at most"
        verdict = "PASS" if self.is_met else "MISS"
        return f"{verdict}  {self.name}: {self.value:.2f} {self.unit} ({relation} {self.limit:g})"


@dataclass(kw_only=True)
class Report:
    """Everything that one run found."""

    cells: list[Cell] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def say(self, note: str) -> None:
        self.notes.append(note)
        print(f"  {note}", flush=True)

    def judge(self, *bars: Bar) -> None:
        self.bars.extend(bars)
        for bar in bars:
            print(f"  {bar}", flush=True)

    def write(self, path: Path, about: dict[str, Any]) -> None:
        content = {
            "about": about,
            "cells": [asdict(cell) for cell in self.cells],
            "bars": [asdict(bar) | {"is_met": bar.is_met} for bar in self.bars],
            "notes": self.notes,
        }
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def median_cell(
    name: str, clients: int, tools: int, rounds: Sequence[Measured]
) -> Cell:
    def middle(attribute: str) -> float:
        return float(statistics.median(getattr(one, attribute) for one in rounds))

    return Cell(
        name=name,
        clients=clients,
        tools=tools,
        per_second=middle("per_second"),
        p50=middle("p50"),
        p95=middle("p95"),
        p99=middle("p99"),
        cpu={
            part: statistics.median(one.cpu[part] for one in rounds)
            for part in rounds[0].cpu
        },
        memory=max(one.memory.get("gateway", 0) for one in rounds),
    )


def table(cells: Sequence[Cell], *, by: str) -> str:
    """The cells as text: one row per contestant and value of `by` (`clients` or `tools`)."""
    head = (
        f"{'':<22}{by:>8}{'CPU ms':>9}{'per s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'db CPU':>8}{'up CPU':>8}{'load CPU':>9}{'MB':>6}"
    )
    return "\n".join([head, *(_row(cell, by) for cell in cells)])


def _row(cell: Cell, by: str) -> str:
    parts = [cell.cpu.get(part) for part in ("database", "upstream", "load")]
    shown = [f"{part:.3f}" if part is not None else "–" for part in parts]  # noqa: RUF001 - a dash means none
    return (
        f"{cell.name:<22}{getattr(cell, by):>8}{cell.gateway_cpu:>9.3f}{cell.per_second:>9.0f}{cell.p50:>9.2f}"
        f"{cell.p95:>9.2f}{cell.p99:>9.2f}{shown[0]:>8}{shown[1]:>8}{shown[2]:>9}{cell.memory:>6.0f}"
    )
