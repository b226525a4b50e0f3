"""Programs of other people that tests run: npm packages, and PyPI packages in environments of their own.

They are installed once, under `var/peers`, from the versions pinned here and in `package-lock.json`.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from tests import machine
from tests.peers.installing import installed, run

_HERE = Path(__file__).resolve().parent
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
        run([str(machine.command("npm")), "ci", "--no-audit", "--no-fund"], cwd=place)

    return installed("npm", digest.hexdigest(), install) / "node_modules"


def node() -> Path:
    """A Node that is new enough for every npm peer, from the npm package `node`."""
    return npm_packages() / ".bin" / "node"


def python_peer(name: str) -> Path:
    """The `bin` folder of the environment of one of `PYTHON_PEERS`."""
    requirement = PYTHON_PEERS[name]

    def install(place: Path) -> None:
        run([sys.executable, "-m", "venv", "--clear", str(place)])
        run([str(place / "bin" / "pip"), "install", "--quiet", requirement])

    return installed(f"python-{name}", requirement, install) / "bin"
