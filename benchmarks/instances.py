"""A PostgreSQL and a Redis of the benchmark's own, on free ports: they may be weighed, and restarted, without harm."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.processes import DidNotStart, Started, free_port, start, wait_until

DATABASE = "toolcrib_bench"


class NotAvailable(Exception):
    """This machine lacks a program; the message names it."""


@dataclass(kw_only=True)
class Postgres:
    """A cluster in a temporary folder, with the settings PostgreSQL comes with: every commit reaches the disk."""

    folder: Path
    port: int
    process: Started

    @classmethod
    def start(cls) -> "Postgres":
        folder = Path(tempfile.mkdtemp(prefix="toolcrib-bench-"))
        if user := _server_user():
            shutil.chown(folder, user)
        options = (
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        )
        _run((str(_binary("initdb")), *options))
        port = free_port()
        server = cls(folder=folder, port=port, process=_serve(folder, port))
        server.wait_until_it_answers()
        with psycopg.connect(server.address("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {DATABASE}")
        return server

    @property
    def url(self) -> str:
        return self.address(DATABASE)

    def address(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def stop_at_once(self) -> None:
        """As a crash would have it: connections are cut, nothing is tidied up."""
        self.process.popen.send_signal(signal.SIGQUIT)
        self.process.popen.wait(30)

    def start_again(self) -> None:
        self.process = _serve(self.folder, self.port)
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """It listens before it is ready."""
        wait_until(self._answers, within=60, what="PostgreSQL to answer")

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.address("postgres")).close()
            return True
        return False

    def remove(self) -> None:
        self.process.popen.send_signal(signal.SIGINT)
        self.process.popen.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(kw_only=True)
class Redis:
    """A Redis that keeps nothing."""

    port: int
    process: Started

    @classmethod
    def start(cls) -> "Redis":
        port = free_port()
        return cls(port=port, process=_serve_redis(port))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start_again(self) -> None:
        self.process = _serve_redis(self.port)


def _serve(folder: Path, port: int) -> Started:
    command = [
        *(str(_binary("postgres")), "-D", str(folder / "data")),
        *("-p", str(port), "-k", str(folder), "-h", "127.0.0.1"),
    ]
    return start("postgres", command, port=port, user=_server_user())


def _serve_redis(port: int) -> Started:
    binary = shutil.which("redis-server")
    if binary is None:
        raise NotAvailable("redis-server is not installed")
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    return start("redis", command, port=port)


def _binary(name: str) -> Path:
    """PostgreSQL's program `name`, from the newest version on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    on_path = shutil.which(name)
    if not found and on_path is None:
        raise NotAvailable(f"PostgreSQL's {name} is not installed")
    return found[-1] if found else Path(str(on_path))


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: then the user that its packages make runs it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError as exc:
        raise NotAvailable(
            "root cannot run PostgreSQL, and there is no user postgres"
        ) from exc


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        command, capture_output=True, cwd="/", user=_server_user(), check=False
    )
    if done.returncode != 0:
        raise DidNotStart(f"{command[0]}: {done.stderr.decode()[-400:]}")
