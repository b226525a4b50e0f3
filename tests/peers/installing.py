"""Installs a program of other people once, under `var/peers`, whoever asks first."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import machine

_HOME = Path(__file__).resolve().parent.parent.parent / "var" / "peers"
_INSTALL_SECONDS = 400


def installed(name: str, version: str, install: Callable[[Path], None]) -> Path:
    """The folder of `name` in this `version`; `install` fills it where it is missing."""
    place = _HOME / name
    stamp = place / ".installed"
    with _one_at_a_time(name):
        if not stamp.exists() or stamp.read_text() != version:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            install(place)
            stamp.write_text(version)
    return place


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    _HOME.mkdir(parents=True, exist_ok=True)
    with (_HOME / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], cwd: Path | None = None) -> None:
    """Run a step of an installation; where it fails, the machine lacks what it brings."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        machine.lacks(f"a peer cannot be installed: {done.stdout[-800:]}")
