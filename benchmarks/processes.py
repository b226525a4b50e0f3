"""Starts the processes that take part, waits until they answer, and ends exactly those."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "bench"
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--workers", "1")


class DidNotStart(Exception):
    """A process ended or stayed silent; the message holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A running process of the benchmark."""

    name: str
    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, *, kill: bool = False) -> None:
        """End the process and what it started: politely, and by force after 10 s."""
        if self.popen.poll() is not None:
            return
        self.popen.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(10)

    def said(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    within: float = 60,
) -> Started:
    """Start `command` and wait until its port takes connections."""
    log = CACHE / "logs" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            cwd="/" if user else ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
        )
    started = Started(name=name, popen=popen, port=port, log=log)
    try:
        wait_until(
            lambda: is_listening(started), within=within, what=f"{name} to listen"
        )
    except TimeoutError as exc:
        started.stop()
        raise DidNotStart(f"{name} did not start:\n{started.said()}") from exc
    return started


def start_asgi(
    name: str, application: str, *, port: int = 0, **environment: str
) -> Started:
    """Serve an ASGI application of this project with the settings that every contestant gets."""
    port = port or free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", application, *UVICORN),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]
    return start(name, command, port=port, environment=environment)


def is_listening(started: Started) -> bool:
    if started.popen.poll() is not None:
        raise DidNotStart(f"{started.name} ended at once:\n{started.said()}")
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", started.port), timeout=1).close()
        return True
    return False


def wait_until(condition: Callable[[], bool], *, within: float, what: str) -> float:
    """The seconds it took until `condition` held."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise TimeoutError(f"Waited {within:g} s for {what}.")
        time.sleep(0.05)
    return time.monotonic() - began
