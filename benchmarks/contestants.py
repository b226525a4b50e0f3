"""Everyone who takes part, started in front of the upstream: the floor, the constant answer and the peers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.load import Load
from benchmarks.processes import (
    CACHE,
    Started,
    free_port,
    start,
    start_asgi,
)
from benchmarks.upstream import tool_name

FASTMCP = "fastmcp==4.1.*"
HUB = ("node@22", "mcp-hub@4")


@dataclass(frozen=True, kw_only=True)
class Served:
    """A contestant that is up: where it answers, how it calls the upstream's first tool, what to weigh."""

    name: str
    url: str
    tool: str = tool_name(0)
    transport: str = "streamable"
    token: str = ""
    is_constant: bool = False
    watch: dict[str, list[int]] = field(default_factory=dict)
    processes: tuple[Started, ...] = ()

    def load(self, *, method: str, clients: int, seconds: float) -> Load:
        return Load(
            url=self.url,
            method=method,
            transport=self.transport,
            token=self.token,
            tool=self.tool if method == "tools/call" else "",
            clients=clients,
            seconds=seconds,
            watch=self.watch,
            is_constant=self.is_constant,
        )

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


class NotInstalled(Exception):
    """A peer's environment could not be made; the message says why."""


def start_upstream(*, port: int = 0) -> Started:
    CACHE.mkdir(parents=True, exist_ok=True)
    counter = str(CACHE / "executed.count")
    return start_asgi(
        "upstream", "benchmarks.upstream:application", port=port, COUNTER_FILE=counter
    )


def direct(upstream: Started, tools: int) -> Served:
    """No gateway: what the upstream and the load generator can do."""
    return Served(
        name="direct",
        url=f"{upstream.url}/mcp/{tools}",
        watch={"gateway": [upstream.pid]},
    )


def floor(upstream: Started, tools: int) -> Served:
    process = start_asgi(
        "aiohttp relay",
        "benchmarks.floor:application",
        UPSTREAM_URL=f"{upstream.url}/mcp/{tools}",
    )
    return _served(process, f"{process.url}/mcp", upstream)


def constant(answer: Path) -> Served:
    process = start_asgi(
        "constant ASGI", "benchmarks.constant:application", ANSWER_FILE=str(answer)
    )
    return Served(
        name=process.name,
        url=f"{process.url}/mcp",
        is_constant=True,
        watch={"gateway": [process.pid]},
        processes=(process,),
    )


def fastmcp_fresh(upstream: Started, tools: int) -> Served:
    return _fastmcp("fresh", "FastMCP as it comes", upstream, tools)


def fastmcp_reused(upstream: Started, tools: int) -> Served:
    return _fastmcp("reused", "FastMCP reused", upstream, tools)


def mcp_hub(upstream: Started, tools: int) -> Served:
    folder = _hub_environment()
    port = free_port()
    configuration = folder / f"servers-{tools}.json"
    servers = {"up": {"url": f"{upstream.url}/mcp/{tools}"}}
    configuration.write_text(json.dumps({"mcpServers": servers}))
    modules = folder / "node_modules"
    command = [
        str(modules / ".bin" / "node"),
        str(modules / "mcp-hub" / "dist" / "cli.js"),
        *("--port", str(port), "--config", str(configuration)),
    ]
    home = str(folder / "home")  # it keeps state in its user's folders
    process = start(
        "mcp-hub",
        command,
        port=port,
        environment={"HOME": home, "NODE_ENV": "production"},
    )
    served = _served(process, f"{process.url}/mcp", upstream)
    return Served(
        name=served.name,
        url=served.url,
        tool=f"up__{tool_name(0)}",
        transport="sse",
        watch=served.watch,
        processes=served.processes,
    )


PEERS: dict[str, Callable[[Started, int], Served]] = {
    "aiohttp relay": floor,
    "mcp-hub": mcp_hub,
    "FastMCP reused": fastmcp_reused,
    "FastMCP as it comes": fastmcp_fresh,
}


def _fastmcp(way: str, name: str, upstream: Started, tools: int) -> Served:
    script = Path(__file__).with_name("fastmcp_proxy.py")
    port = free_port()
    url = f"{upstream.url}/mcp/{tools}"
    command = [str(_fastmcp_environment()), str(script), way, url, str(port)]
    process = start(name, command, port=port)
    return _served(process, f"{process.url}/mcp", upstream)


def _served(process: Started, url: str, upstream: Started) -> Served:
    watch = {"gateway": [process.pid], "upstream": [upstream.pid]}
    return Served(name=process.name, url=url, watch=watch, processes=(process,))


@cache
def _fastmcp_environment() -> Path:
    """The Python of FastMCP's own environment, made on first use."""
    folder = CACHE / "fastmcp"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _install((sys.executable, "-m", "venv", "--clear", str(folder)))
        _install(
            (
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                FASTMCP,
                "uvloop",
                "httptools",
            )
        )
        (folder / "installed").touch()
    return python


@cache
def _hub_environment() -> Path:
    """The folder of mcp-hub and of the Node it needs, made on first use."""
    folder = CACHE / "mcp-hub"
    if not (folder / "installed").exists():
        (folder / "home").mkdir(parents=True, exist_ok=True)
        _install(
            (
                *("npm", "install", "--no-audit", "--no-fund", "--silent"),
                *("--prefix", str(folder), *HUB),
            )
        )
        (folder / "installed").touch()
    return folder


def _install(command: tuple[str, ...]) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=600, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NotInstalled(f"{command[0]}: {exc}") from exc
    if done.returncode != 0:
        raise NotInstalled(done.stderr.decode()[-500:].strip() or f"{command} failed")
