"""What a proxied call costs, and how many a second there are, at 1 to 64 clients."""

from benchmarks.results import Bar, Cell, table
from benchmarks.stage import Stage

CLIENTS = (1, 8, 32, 64)
TOOLS = 50


def run(stage: Stage) -> None:
    cells: list[Cell] = []
    with stage.contestants(TOOLS) as contestants:
        for clients in CLIENTS:
            cells += stage.in_turns(
                contestants, method="tools/call", clients=clients, tools=TOOLS
            )
    print(table(sorted(cells, key=lambda cell: cell.name), by="clients"))
    found = {(cell.name, cell.clients): cell for cell in cells}
    for toolcrib in stage.toolcribs:
        for clients in (32, 64):
            stage.report.judge(*_ratios(found, toolcrib.name, clients))
        extra = found[toolcrib.name, 1].p50 - found["direct", 1].p50
        if toolcrib.postgres is None:
            stage.report.judge(
                Bar(
                    name=f"{toolcrib.name}, 1 client: p50 over direct",
                    value=extra,
                    limit=1,
                    unit="ms",
                )
            )
        else:
            stage.report.say(
                f"{toolcrib.name}, 1 client: p50 over direct {extra:.2f} ms (the disk decides)"
            )


def _ratios(found: dict[tuple[str, int], Cell], name: str, clients: int) -> list[Bar]:
    own = found[name, clients]
    title = f"{name}, {clients} clients"
    bars = []
    for peer, limit in (("mcp-hub", 1), ("aiohttp relay", 5)):
        if other := found.get((peer, clients)):
            ratio = own.gateway_cpu / other.gateway_cpu
            bars.append(Bar(name=f"{title}: CPU / {peer}", value=ratio, limit=limit))
    for peer, limit in (("FastMCP reused", 4), ("FastMCP as it comes", 40)):
        if other := found.get((peer, clients)):
            ratio = other.gateway_cpu / own.gateway_cpu
            bars.append(
                Bar(
                    name=f"{title}: CPU of {peer} / own",
                    value=ratio,
                    limit=limit,
                    is_at_least=True,
                )
            )
    if other := found.get(("mcp-hub", clients)):
        ratio = own.per_second / other.per_second
        bars.append(
            Bar(
                name=f"{title}: calls per second / mcp-hub",
                value=ratio,
                limit=1,
                is_at_least=True,
            )
        )
    return bars
