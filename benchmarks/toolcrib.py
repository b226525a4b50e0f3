"""Toolcrib itself, started for real on a fresh database: embedded on SQLite, or with PostgreSQL, Redis and a worker."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import Served
from benchmarks.instances import Postgres, Redis
from benchmarks.load import Measured
from benchmarks.machine import resident_bytes
from benchmarks.processes import (
    CACHE,
    ROOT,
    DidNotStart,
    Started,
    free_port,
    start,
    start_asgi,
)

SIZES = (50, 500, 5_000)
SECRETS = {
    "SECRET_KEY": "a benchmark has no secrets, but the setting must be long",
    "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


class LogDiffers(Exception):
    """The rows of the log are not the calls that were made."""


@dataclass(kw_only=True)
class Toolcrib:
    """A running gateway, with what its database holds."""

    name: str
    environment: dict[str, str]
    upstream: Started
    web: Started
    facts: dict[str, Any]
    worker: Started | None = None
    postgres: Postgres | None = None
    redis: Redis | None = None
    called: int = 0  # calls that were answered as they should, of all loads

    @property
    def token(self) -> str:
        return str(self.facts["token"])

    @property
    def watch(self) -> dict[str, list[int]]:
        """The gateway with its threads and children; its database and its worker apart."""
        watched = {"gateway": [self.web.pid], "upstream": [self.upstream.pid]}
        if self.postgres is not None:
            watched["database"] = [self.postgres.process.pid]
        if self.worker is not None:
            watched["worker"] = [self.worker.pid]
        return watched

    def served(self, size: int) -> Served:
        return Served(
            name=self.name,
            url=self.mcp_url(size, self.facts["user"]),
            token=self.token,
            watch=self.watch,
        )

    def mcp_url(self, size: int, user: str) -> str:
        pack = self.pack(size)["pack"]
        return f"{self.web.url}/tool-packs/{pack}/registered-users/{user}/mcp"

    def pack(self, size: int) -> dict[str, str]:
        found: dict[str, str] = self.facts["packs"][str(size)]
        return found

    def made(self, measured: Measured) -> None:
        """Remember how many rows the log must have."""
        self.called += measured.answered

    def omit_last_tool(self, size: int, *, is_omitted: bool) -> None:
        """One edit, by REST: the last tool of a set is taken out, or comes back."""
        facts = self.pack(size)
        status = "TOOL_STATUS_OMITTED" if is_omitted else "TOOL_STATUS_AVAILABLE"
        self.rest(
            "PATCH",
            f"/v1/tool_sets/{facts['tool_set']}/tools/{facts['last_tool']}",
            {"spec": {"status": status}, "updateMask": "spec.status"},
        )

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            self.web.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "authorization": f"Bearer {self.token}",
                "content-type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            content = answer.read()
        return json.loads(content) if content else None

    def enroll(self, number: int) -> list[str]:
        users: list[str] = _bootstrap(
            self.environment, "enroll", self.facts["workspace"], str(number)
        )
        return users

    def log(self) -> dict[str, dict[str, int]]:
        """How many rows are in which state: `rows` all of them, `reached` those that reached the upstream."""
        found: dict[str, dict[str, int]] = _bootstrap(
            self.environment, "log", self.facts["workspace"]
        )
        return found

    def compare_log(self) -> str:
        """A sentence that says that the log has a succeeded row for each call, and no other.

        Raises:
            LogDiffers: it has not.
        """
        expected = {"succeeded": self.called} if self.called else {}
        found = self.log()
        if found != {"rows": expected, "reached": expected}:
            raise LogDiffers(
                f"{self.name}: {self.called} calls were made, but the log has {found}."
            )
        return f"{self.name}: {self.called:,} calls made, {self.called:,} rows, all succeeded."

    def memory_mb(self) -> float:
        return resident_bytes([self.web.pid]) / 1e6

    def stop(self) -> None:
        for process in (self.web, self.worker):
            if process is not None:
                process.stop()
        if self.postgres is not None:
            self.postgres.remove()
        if self.redis is not None:
            self.redis.process.stop()


def on_sqlite(upstream: Started, sizes: tuple[int, ...] = SIZES) -> Toolcrib:
    environment = _environment("sqlite") | {"DATABASE_URL": "", "REDIS_URL": ""}
    facts = _prepare(environment, upstream, sizes)
    web = _serve("Toolcrib SQLite", environment)
    return Toolcrib(
        name=web.name,
        environment=environment,
        upstream=upstream,
        web=web,
        facts=facts,
    )


def on_postgresql(upstream: Started, sizes: tuple[int, ...] = SIZES) -> Toolcrib:
    """With a PostgreSQL and a Redis of its own.

    Raises:
        NotAvailable: one of them is not installed.
    """
    with ExitStack() as undo:
        redis = Redis.start()
        undo.callback(redis.process.stop)
        postgres = Postgres.start()
        undo.callback(postgres.remove)
        environment = _environment("postgresql") | SECRETS
        environment |= {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        facts = _prepare(environment, upstream, sizes)
        web = _serve("Toolcrib PostgreSQL", environment)
        undo.callback(web.stop)
        toolcrib = Toolcrib(
            name=web.name,
            environment=environment,
            upstream=upstream,
            web=web,
            facts=facts,
            worker=_work(environment),
            postgres=postgres,
            redis=redis,
        )
        undo.pop_all()  # all is up: whoever asked for it ends it
    return toolcrib


def _environment(name: str) -> dict[str, str]:
    """A fresh folder for the data, and the settings of an upstream on this machine."""
    folder = CACHE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
        "DATA_DIR": str(folder),
        "UPSTREAM_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "WARNING",
        "PORT": str(free_port()),
    }


def _prepare(
    environment: dict[str, str], upstream: Started, sizes: tuple[int, ...]
) -> dict[str, Any]:
    facts: dict[str, Any] = _bootstrap(
        environment, "prepare", upstream.url, *map(str, sizes)
    )
    return facts


def _serve(name: str, environment: dict[str, str]) -> Started:
    port = int(environment["PORT"])
    return start_asgi(name, "gateway.asgi:application", port=port, **environment)


def _work(environment: dict[str, str]) -> Started:
    """A Celery worker; it listens nowhere, so the web process's port stands for it."""
    command = [
        *(sys.executable, "-m", "celery", "-A", "gateway.celery", "worker"),
        *("--loglevel", "warning", "--concurrency", "1", "--pool", "threads"),
    ]
    return start(
        "worker", command, port=int(environment["PORT"]), environment=environment
    )


def _bootstrap(environment: dict[str, str], *arguments: str) -> Any:
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.bootstrap", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise DidNotStart(f"bootstrap {arguments[0]}:\n{done.stderr.decode()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def path_of_answer(size: int) -> Path:
    """Where a list's bytes are kept for the constant answer."""
    return CACHE / f"list-{size}.json"
