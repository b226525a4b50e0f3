"""Runs the example server beside the gateway, as a process that ends when the gateway does, however that ends."""

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

from django.conf import settings

from gateway.errors import GatewayError

_STOP_SECONDS = 5


class ExampleDidNotStart(GatewayError):
    """The example server ended before it said where it listens."""

    code = "example_did_not_start"


class ExampleServer:
    """The example server of one data directory. Its standard input is the string that ties it to this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock: IO[str] | None = None

    def start(self, *, preferred_url: str) -> str:
        """Start it, at `preferred_url` if that port is free, and return its URL.

        When another process already runs it for this data directory, that one is used.

        Raises:
            ExampleDidNotStart: it ended at once; what it wrote to standard error says why.
        """
        lock = (Path(settings.DATA_DIR) / "example.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return preferred_url
        self._lock = lock
        port = urlsplit(preferred_url).port or 0
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [
                sys.executable,
                "-m",
                "examples.workbench",
                "--with-parent",
                "--port",
                str(port),
            ],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal must reach it through us, after the calls under way
        )
        return self._announced_url(self._process)

    def _announced_url(self, process: subprocess.Popen[str]) -> str:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise ExampleDidNotStart(
                f"The example server ended with code {process.wait(_STOP_SECONDS)} before it was ready."
            )
        return str(json.loads(line)["url"])

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
