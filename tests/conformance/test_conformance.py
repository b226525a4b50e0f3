"""The official conformance suite, through the gateway, against upstreams of both eras."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import peers
from tests.conformance.upstream import application
from tests.running import Product, environment, free_port, running
from tests.scripting import Rest
from tests.upstreams import served

pytestmark = [
    pytest.mark.node,
    pytest.mark.processes,
    pytest.mark.timeout(600),
]

_HERE = Path(__file__).resolve().parent
_ARGUMENTS: Mapping[str, list[str]] = {
    "2025-11-25": [],
    "2026-07-28": ["--requirements", "2026-07-28", "--timeout", "120000"],
}


@pytest.fixture(scope="module")
def both_eras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway's address, in front of an upstream that speaks both eras."""
    with through_the_gateway(
        tmp_path_factory.mktemp("both"), only_handshake=False
    ) as url:
        yield url


@pytest.fixture(scope="module")
def only_handshake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway's address, in front of an upstream from before 2026-07-28."""
    with through_the_gateway(
        tmp_path_factory.mktemp("older"), only_handshake=True
    ) as url:
        yield url


@contextmanager
def through_the_gateway(data_dir: Path, *, only_handshake: bool) -> Iterator[str]:
    """Where the suite finds a pack with an empty prefix whose one connector is the upstream."""
    peers.node()
    port = free_port()
    hook = ListChange()
    app = application(only_handshake=only_handshake, change_tools=hook.change)
    with (
        served(app) as upstream,
        environment(data_dir, port=port) as told,
    ):
        with running(told) as product:
            hook.tool_set = connect(product, upstream.url())
            hook.product = product
            behind = told | {
                "PACK_PATH": urlsplit(product.demo["mcp_url"]).path,
                "PACK_KEY": product.demo["api_key"],
            }
        with running(behind, command=("-m", "tests.conformance.wrapper")):
            yield f"http://127.0.0.1:{port}/mcp"


class ListChange:
    """What the suite's hook for a changed list does: an operator takes a tool out of the set, or puts it back."""

    def __init__(self) -> None:
        self.product: Product
        self.tool_set: dict[str, Any]
        self._is_out = False

    def change(self) -> None:
        verb = "restore" if self._is_out else "omit"
        with Rest(self.product) as rest:
            path = f"/tool_sets/{self.tool_set['metadata']['id']}/tools"
            found = rest.send("GET", f"{path}?names=test_reconnection")["items"]
            rest.send("POST", f"{path}/{found[0]['metadata']['id']}:{verb}")
        self._is_out = not self._is_out


def connect(product: Product, upstream_url: str) -> dict[str, Any]:
    """Connect the upstream, and make it the only connector of the demo's pack, under bare names."""
    with Rest(product) as rest:
        tool_set = rest.connect(
            "Conformance",
            upstream_url,
            interactions={"elicitation": True, "sampling": True, "roots": True},
        )
        rest.wait_until_synced(tool_set)
        rest.hold(
            product.demo["tool_pack_id"],
            [{"slug": tool_set["slug"], "prefix": "", "mode": "ALL"}],
        )
    return tool_set


def run_suite(
    revision: str, url: str, folder: Path
) -> "subprocess.CompletedProcess[str]":
    script = peers.npm_packages() / f"conformance-{revision}" / "dist" / "index.js"
    baseline = _HERE / f"expected-failures-{revision}.yml"
    command: list[str | Path] = [
        peers.node(),
        script,
        "server",
        "--url",
        url,
        *_ARGUMENTS[revision],
    ]
    return subprocess.run(
        [*command, "--expected-failures", baseline],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.parametrize(
    ("revision", "upstream"),
    [
        ("2025-11-25", "both_eras"),
        ("2025-11-25", "only_handshake"),
        ("2026-07-28", "both_eras"),  # its tools need an upstream of its own era
    ],
)
def test_the_suite_passes_through_the_gateway(
    revision: str, upstream: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    done = run_suite(revision, request.getfixturevalue(upstream), tmp_path)

    summary = done.stdout[done.stdout.find("=== SUMMARY") :]
    assert done.returncode == 0, summary
