"""What `tools/list` costs with 50, 500 and 5,000 tools, beside a server that only sends as many bytes."""

from pathlib import Path

from benchmarks.contestants import Served, constant
from benchmarks.generator import measure
from benchmarks.results import Bar, Cell, table
from benchmarks.stage import Stage
from benchmarks.toolcrib import SIZES, path_of_answer

CLIENTS = 8
FASTMCP_MOST = 500  # a list of 5,000 takes it seconds


def run(stage: Stage) -> None:
    cells: list[Cell] = []
    for size in SIZES:
        with stage.contestants(size) as everyone:
            contestants = [one for one in everyone if _takes_part(one, size)]
            same = constant(_answer(stage, size))
            try:
                cells += stage.in_turns(
                    [*contestants, same],
                    method="tools/list",
                    clients=CLIENTS,
                    tools=size,
                )
            finally:
                same.stop()
    print(table(sorted(cells, key=lambda cell: cell.name), by="tools"))
    found = {(cell.name, cell.tools): cell.gateway_cpu for cell in cells}
    for toolcrib in stage.toolcribs:
        ratio = found[toolcrib.name, 500] / found["constant ASGI", 500]
        stage.report.judge(
            Bar(
                name=f"{toolcrib.name}, list of 500: CPU / constant answer",
                value=ratio,
                limit=3,
            )
        )


def _takes_part(one: Served, size: int) -> bool:
    return size <= FASTMCP_MOST or not one.name.startswith("FastMCP")


def _answer(stage: Stage, size: int) -> Path:
    """A file with as many bytes as Toolcrib's list of this size has."""
    measured = measure(
        stage.toolcribs[0]
        .served(size)
        .load(method="tools/list", clients=1, seconds=0.1)
    )
    path = path_of_answer(size)
    path.write_bytes(b" " * measured.answer_bytes)
    return path
