"""Programs of other people that tests run: npm packages, and PyPI packages in environments of their own.

They are installed once, under `var/peers`, from the versions pinned here and in `package-lock.json`.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import machine

_HERE = Path(__file__).resolve().parent
_HOME = _HERE.parent.parent / "var" / "peers"
_INSTALL_SECONDS = 400
PYTHON_PEERS = {
    "mcp-1": "mcp==1.30.0",
    "duckdb": "mcp-server-motherduck==1.1.0",
}


def npm_packages() -> Path:
    """The `node_modules` with every npm peer."""
    manifests = [_HERE / "package.json", _HERE / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in manifests))

    def install(place: Path) -> None:
        for file in manifests:
            shutil.copy(file, place)
        _run([str(machine.command("npm")), "ci", "--no-audit", "--no-fund"], cwd=place)

    return _installed("npm", digest.hexdigest(), install) / "node_modules"


def node() -> Path:
    """A Node that is new enough for every npm peer, from the npm package `node`."""
    return npm_packages() / ".bin" / "node"


def python_peer(name: str) -> Path:
    """The `bin` folder of the environment of one of `PYTHON_PEERS`."""
    requirement = PYTHON_PEERS[name]

    def install(place: Path) -> None:
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        _run([str(place / "bin" / "pip"), "install", "--quiet", requirement])

    return _installed(f"python-{name}", requirement, install) / "bin"


def _installed(name: str, version: str, install: Callable[[Path], None]) -> Path:
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


def _run(command: list[str], cwd: Path | None = None) -> None:
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
