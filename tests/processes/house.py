"""The product as several processes on one database: started, watched, killed, and always ended."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis
from django.conf import settings

from tests.processes.cast import Cast
from tests.running import free_port

START_SECONDS = 120.0
MODERN = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def wait_until(
    condition: Callable[[], Any], *, what: str, within: float = 60.0
) -> float:
    """Look again and again until `condition` holds; the seconds that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise AssertionError(f"waited {within:g} s in vain for {what}")
        time.sleep(0.01)
    return time.monotonic() - began


@dataclass(kw_only=True)
class Process:
    """One process of the product, in a group of its own."""

    popen: "subprocess.Popen[bytes]"
    log: Path
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """As `kill -9` does, its children included."""
        self.signal(signal.SIGKILL)
        self.popen.wait(60)

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def end(self) -> None:
        """Politely, and by force after ten seconds."""
        if self.popen.poll() is None:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(10)
        self.kill()


@dataclass(kw_only=True)
class House:
    """What runs on one database."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    cast: Cast
    processes: list[Process] = field(default_factory=list)
    uvicorn: Sequence[str] = ("-m", "uvicorn")
    _connection: "psycopg.Connection[Any] | None" = None

    def web(self) -> Process:
        """A web process that serves."""
        return self.webs(1)[0]

    def webs(self, number: int) -> list[Process]:
        """Web processes that serve, started together."""
        started = [self._start_web(free_port()) for _ in range(number)]
        for process in started:
            wait_until(
                lambda one=process: _answers(one),  # type: ignore[misc] # bound at once
                what="a web process",
                within=START_SECONDS,
            )
        return started

    def _start_web(self, port: int) -> Process:
        command = ["gateway.asgi:application", "--port", str(port)]
        options = ["--lifespan", "on", "--no-access-log", "--log-level", "warning"]
        return self.start([*self.uvicorn, *command, *options], port=port)

    def wait_until_all_hear(self) -> None:
        """Wait until Redis has every web process among its listeners."""
        webs = [one for one in self.processes if one.port and one.popen.poll() is None]
        with redis.Redis.from_url(self.environment["REDIS_URL"]) as bus:
            wait_until(
                lambda: bus.pubsub_numsub("toolcrib:bus")[0][1] >= len(webs),
                what="web processes to listen to Redis",
            )

    def worker(self) -> Process:
        """A worker, started as the documentation says."""
        return self.start(["-m", "celery", "-A", "gateway.celery", "worker"])

    def start(self, arguments: list[str], *, port: int = 0) -> Process:
        log = self.folder / f"process-{len(self.processes)}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=settings.BASE_DIR,
                env={**self.environment, "PORT": str(port or 8000)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(popen=popen, log=log, port=port)
        self.processes.append(process)
        return process

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, which commits at once."""
        if "DATABASE_URL" not in self.environment:
            path = self.folder / "toolcrib.sqlite3"
            with contextlib.closing(sqlite3.connect(path, timeout=60)) as file:
                return file.execute(query, values).fetchall()
        try:
            cursor = self._connected().execute(query, values)
        except psycopg.OperationalError:  # it was restarted meanwhile
            self._disconnect()
            cursor = self._connected().execute(query, values)
        return list(cursor.fetchall()) if cursor.description else []

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            url = self.environment["DATABASE_URL"]
            self._connection = psycopg.connect(url, autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def calls(self) -> dict[str, list[str]]:
        """The states of all rows of the log, by tool."""
        found: dict[str, list[str]] = {}
        for name, state in self.sql("SELECT tool_name, state FROM mcp_toolcall"):
            found.setdefault(name, []).append(state)
        return found

    def end(self) -> None:
        for process in self.processes:
            process.signal(signal.SIGTERM)
        for process in self.processes:
            process.end()
        self._disconnect()


def _answers(process: Process) -> bool:
    if process.popen.poll() is not None:
        raise AssertionError(f"the process ended at once:\n{process.said[-4000:]}")
    with contextlib.suppress(httpx.TransportError):
        httpx.get(f"{process.url}/v1/whoami", trust_env=False, timeout=5)
        return True
    return False


def environment_of(folder: Path, **told: str) -> dict[str, str]:
    """What a process of the product is told, and nothing that only the tests are."""
    ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "PORT"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    fixed = {
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
        "DATA_DIR": str(folder),
        "UPSTREAM_NETWORKS": "127.0.0.0/8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default",
    }
    return kept | fixed | told


def prepared(environment: Mapping[str, str], upstream: str) -> Cast:
    """Fill an empty database."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.cast", upstream],
        cwd=settings.BASE_DIR,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"the database was not prepared:\n{done.stderr[-4000:]}")
    return Cast(**json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True, kw_only=True)
class Agent:
    """An MCP client of 2026-07-28 at one process and pack: every request stands alone."""

    web: Process
    cast: Cast
    http: httpx.Client = field(repr=False)
    pack: str = ""
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        pack, user = self.pack or self.cast.pack, self.cast.user
        return f"{self.web.url}/tool-packs/{pack}/registered-users/{user}/mcp"

    def headers(self, method: str, name: str = "") -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token or self.cast.token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MODERN,
            "mcp-method": method,
            **({"mcp-name": name} if name else {}),
        }

    def body(self, method: str, **params: Any) -> dict[str, Any]:
        params["_meta"] = _META
        return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}

    def list(self) -> set[str]:
        """The names it sees; none when it is turned away."""
        response = self.http.post(
            self.url,
            json=self.body("tools/list"),
            headers=self.headers("tools/list"),
        )
        if response.status_code != 200:
            return set()
        return {tool["name"] for tool in response.json()["result"]["tools"]}

    def call(self, name: str, **arguments: Any) -> httpx.Response:
        body = self.body("tools/call", name=name, arguments=arguments)
        headers = self.headers("tools/call", name)
        return self.http.post(self.url, json=body, headers=headers)


@contextmanager
def agent(web: Process, cast: Cast, **members: Any) -> Iterator[Agent]:
    """An agent with connections that it keeps."""
    with httpx.Client(trust_env=False, timeout=60) as http:
        yield Agent(web=web, cast=cast, http=http, **members)


def body_of(response: httpx.Response) -> Any:
    """The answer to a call, which comes as a stream where the call took long."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        text = text.rpartition("data: ")[2]
    return json.loads(text)


def said_of(response: httpx.Response) -> str:
    """How a call left: `ok`, the code of a refusal, or the HTTP status and code that came before JSON-RPC."""
    body = body_of(response)
    if "result" in body:
        refusal = body["result"].get("_meta", {}).get("dev.toolcrib/refusal")
        return str(refusal["code"]) if refusal else "ok"
    if "error" in body:
        return str((body["error"].get("data") or {}).get("code", body["error"]["code"]))
    return f"{response.status_code} {body.get('code')}"
