"""Runs the load generator in its own process and brings back what it measured."""

import os
import subprocess
import sys
from dataclasses import asdict

import orjson

from benchmarks.load import Load, Measured
from benchmarks.processes import ROOT

GRACE_SECONDS = 120  # to open clients before the window, and to drain them after it
KEEP_MEMORY = {  # lists are large: a generator that gave their memory back each time would be the limit
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
}


class LoadFailed(Exception):
    """The load generator could not do its work, or an answer was wrong."""


class Running:
    """A load generator at work."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._process = subprocess.Popen(
            (sys.executable, "-m", "benchmarks.load"),
            cwd=ROOT,
            env=os.environ | KEEP_MEMORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(asdict(load)) + b"\n")
        self._process.stdin.flush()

    def stop(self) -> Measured:
        """End the window now."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"stop\n")
        self._process.stdin.flush()
        return self.result()

    def result(self) -> Measured:
        """What came of it, when the time is up."""
        limit = self._load.warmup + self._load.seconds + GRACE_SECONDS
        try:
            output, complaint = self._process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as exc:
            self._process.kill()
            raise LoadFailed(f"{self._load.url} did not finish.") from exc
        if self._process.returncode != 0:
            raise LoadFailed(f"{self._load.url}: {complaint.decode()[-1500:]}")
        found = Measured(**orjson.loads(output))
        if found.errors and not self._load.keeps_going:
            raise LoadFailed(f"{self._load.url}: {found.errors}")
        return found


def measure(load: Load) -> Measured:
    return Running(load).result()
