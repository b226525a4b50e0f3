"""The whole product as a visitor starts it: `manage.py run` in a process, with a data directory and a database of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from cryptography.fernet import Fernet
from django.conf import settings

_START_SECONDS = 150
_STOP_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Product:
    """A running Toolcrib, and the demo that it made."""

    process: "subprocess.Popen[str]"
    port: int
    environment: Mapping[str, str] = field(repr=False)
    demo: dict[str, Any] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


_held: list[socket.socket] = []


def free_port() -> int:
    """A port to listen at. It is held as long as this process lives, so that nobody else who asks for any port gets it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so do servers
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return int(holder.getsockname()[1])


@contextmanager
def environment(data_dir: Path, *, port: int) -> Iterator[dict[str, str]]:
    """What a product process of one test needs to be told; on PostgreSQL the test gets a database of its own."""
    told = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    }
    told |= {"DATA_DIR": str(data_dir), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    if not settings.DATABASE_URL:
        yield told
        return
    with _own_database() as url:
        yield told | {
            "DATABASE_URL": url,
            "SECRET_KEY": "a test's own, long enough to be one: 0123456789abcdef",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "UPSTREAM_NETWORKS": "127.0.0.0/8",
        }


@contextmanager
def _own_database() -> Iterator[str]:
    name = f"toolcrib_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def running(
    told: Mapping[str, str], *, command: tuple[str, ...] = ("manage.py", "run")
) -> Iterator[Product]:
    """Start the product, wait until it says that it is ready, and stop it as Ctrl-C would."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=dict(told),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=_forward, args=[process, lines])
    reader.start()
    try:
        _wait_until_ready(lines)
        demo_file = Path(told["DATA_DIR"]) / "demo.json"
        yield Product(
            process=process,
            port=int(told["PORT"]),
            environment=told,
            demo=json.loads(demo_file.read_text()) if demo_file.exists() else {},
        )
    finally:
        stop(process)
        reader.join()


def stop(process: "subprocess.Popen[str]") -> int:
    """Interrupt a process and wait for its end; its exit code."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _wait_until_ready(lines: "Queue[str]") -> None:
    said = ""
    while "Toolcrib is ready" not in said:
        try:
            line = lines.get(timeout=_START_SECONDS)
        except Empty:
            line = ""
        if not line:
            raise RuntimeError(f"the product did not start:\n{said}")
        said += line


def _forward(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    """Read all that the process says, so that it never blocks."""
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            lines.put(line)
    lines.put("")
