"""MCP servers that we did not write, each started as its own documentation says."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests import peers
from tests.running import free_port

_START_SECONDS = 120
_STOP_SECONDS = 10


@contextmanager
def everything(transport: str = "streamableHttp") -> Iterator[str]:
    """`@modelcontextprotocol/server-everything` from npm, over streamable HTTP or over `sse`; its URL."""
    package = peers.npm_packages() / "@modelcontextprotocol" / "server-everything"
    port = free_port()
    command: list[str | Path] = [peers.node(), package / "dist" / "index.js", transport]
    with _started(command, port, {"PORT": str(port)}):
        path = "/sse" if transport == "sse" else "/mcp"
        yield f"http://127.0.0.1:{port}{path}"


@contextmanager
def duckdb() -> Iterator[str]:
    """`mcp-server-motherduck` from PyPI: SQL over a DuckDB in its memory; its URL."""
    port = free_port()
    server = peers.python_peer("duckdb") / "mcp-server-motherduck"
    command: list[str | Path] = [server, "--transport", "http", "--port", str(port)]
    place = ["--host", "127.0.0.1", "--db-path", ":memory:", "--read-write"]
    with _started([*command, *place], port, {}):
        yield f"http://127.0.0.1:{port}/mcp"


@contextmanager
def _started(
    command: list[str | Path], port: int, environment: Mapping[str, str]
) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_listening(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not listen on {port}")
