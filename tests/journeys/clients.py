"""MCP clients that we did not write, each in one session: list, call, be refused twice, and call again."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from tests import peers

_SCRIPTS = Path(peers.__file__).parent
_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Where a client goes, with which key, and what it calls there."""

    url: str
    key: str
    tool: str
    arguments: Mapping[str, Any]

    @property
    def words(self) -> list[str]:
        return [self.url, self.key, self.tool, json.dumps(dict(self.arguments))]


async def python_2(errand: Errand, *, mode: str) -> dict[str, Any]:
    """The SDK of this project, in one of its modes."""
    headers = {"Authorization": f"Bearer {errand.key}"}
    arguments = dict(errand.arguments)
    refused: dict[str, Any] = {}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(errand.url, http_client=http)
        async with Client(transport, mode=mode) as client:
            listed = await client.list_tools()
            first = await client.call_tool(errand.tool, arguments)
            try:
                await client.call_tool("nobody__listed_this", {})
            except MCPError as exc:
                refused = {"code": exc.error.code, "data": exc.error.data}
            wrong = await client.call_tool(errand.tool, {"unexpected": [1]})
            again = await client.call_tool(errand.tool, arguments)
    return {
        "tools": [tool.name for tool in listed.tools],
        "first": getattr(first.content[0], "text", ""),
        "refused": refused,
        "wrong": wrong.is_error,
        "again": getattr(again.content[0], "text", ""),
    }


def python_1(errand: Errand) -> dict[str, Any]:
    """The newest SDK of the generation before, in its own environment."""
    python = peers.python_peer("mcp-1") / "python"
    return _said([python, _SCRIPTS / "python_1_client.py", *errand.words])


def typescript(errand: Errand, *, generation: str) -> dict[str, Any]:
    """The TypeScript SDK. Its script runs beside `node_modules`, because that is where Node looks for packages."""
    script = peers.npm_packages().parent / "typescript_client.mjs"
    shutil.copy(_SCRIPTS / script.name, script)
    return _said([peers.node(), script, generation, *errand.words])


def inspector(errand: Errand, method: str, *arguments: str) -> dict[str, Any]:
    """One method of the MCP inspector's command line."""
    package = peers.npm_packages() / "@modelcontextprotocol" / "inspector"
    launcher = package / "clients" / "launcher" / "build" / "index.js"
    command: list[str | Path] = [peers.node(), launcher, "--cli", errand.url]
    command += ["--transport", "http", "--method", method, *arguments]
    return _said([*command, "--header", f"Authorization: Bearer {errand.key}"])


def _said(command: list[str | Path]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return said
