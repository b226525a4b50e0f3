"""`manage.py run`, as a visitor meets it: the first run, the next one, and the ways in which it refuses."""

import json
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.running import Product, environment, free_port, running, stop
from tests.scripting import Rest

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(400),
]
_SYNC_SECONDS = 120
_ANSWER_SECONDS = 60


@pytest.fixture
def told(tmp_path: Path) -> Iterator[dict[str, str]]:
    with environment(tmp_path, port=free_port()) as told:
        yield told


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A first run that several tests look at, and none stops."""
    with (
        environment(tmp_path_factory.mktemp("first"), port=free_port()) as told,
        running(told) as product,
    ):
        yield product


def first_call(product: Product) -> str:
    """List the demo's tools once they are synced, call one, and return its text."""
    wait_for_tools(product)
    return httpx_call(product, "workbench__calculate", {"expression": "6 * 7"})


def wait_for_tools(product: Product) -> None:
    deadline = time.monotonic() + _SYNC_SECONDS
    while not (names := listed(product)):
        assert time.monotonic() < deadline, "the demo was not synced"
        time.sleep(0.1)
    assert "workbench__calculate" in names


def listed(product: Product) -> list[str]:
    return [tool["name"] for tool in rpc(product, "tools/list", {})["tools"]]


def httpx_call(product: Product, name: str, arguments: dict[str, str]) -> str:
    result = rpc(product, "tools/call", {"name": name, "arguments": arguments})
    return str(result["content"][0]["text"])


def rpc(
    product: Product, method: str, params: dict[str, object]
) -> dict[str, list[dict[str, str]]]:
    """One request as a handshake-era client without a session makes it."""
    answer = httpx.post(
        product.demo["mcp_url"],
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={
            "Authorization": f"Bearer {product.demo['api_key']}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        },
        timeout=_ANSWER_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    result: dict[str, list[dict[str, str]]] = answer.json()["result"]
    return result


def example_url(product: Product) -> str:
    answer = httpx.get(
        f"{product.demo['api_url']}/v1/tool_sets/external_id:demo-workbench",
        headers={"Authorization": f"Bearer {product.demo['api_key']}"},
        timeout=_ANSWER_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["spec"]["adapter"]["mcp"]["url"])


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def run_to_the_end(told: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=settings.BASE_DIR,
        env=told,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_first_run_makes_a_demo_that_works(first_run: Product) -> None:
    assert json.loads(first_call(first_run)) == {"value": 42}
    assert set(first_run.demo) == {
        "admin_url", "admin_username", "admin_password", "api_url", "api_key",
        "workspace_id", "tool_pack_id", "registered_user_id", "mcp_url",
    }  # fmt: skip
    written = Path(first_run.environment["DATA_DIR"]) / "demo.json"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_demo_login_opens_the_admin(first_run: Product) -> None:
    with httpx.Client(follow_redirects=True, timeout=_ANSWER_SECONDS) as browser:
        page = browser.get(first_run.demo["admin_url"])
        front = browser.post(
            page.url,
            data={
                "username": first_run.demo["admin_username"],
                "password": first_run.demo["admin_password"],
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            },
            headers={"Referer": str(page.url)},
        )

    assert str(front.url) == first_run.demo["admin_url"]
    assert "/admin/toolsets/toolset/" in front.text


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_demo_serves_the_sdk_client_in_both_eras(
    first_run: Product, mode: str
) -> None:
    wait_for_tools(first_run)
    headers = {"Authorization": f"Bearer {first_run.demo['api_key']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=_ANSWER_SECONDS) as http:
        transport = streamable_http_client(first_run.demo["mcp_url"], http_client=http)
        async with Client(transport, mode=mode) as client:
            tools = await client.list_tools()
            result = await client.call_tool(
                "workbench__convert_units", {"value": 1, "source": "km", "target": "m"}
            )

    assert len(tools.tools) == 11
    assert result.structured_content == {"value": 1000, "unit": "m"}


def test_second_run_goes_on_with_the_same_demo(told: dict[str, str]) -> None:
    with running(told) as first:
        first_call(first)
        where = example_url(first)

    with running(told) as second:
        assert second.demo == first.demo
        assert example_url(second) == where
        assert json.loads(first_call(second)) == {"value": 42}


def test_example_server_that_lost_its_port_is_found_at_its_new_one(
    told: dict[str, str],
) -> None:
    with running(told) as first:
        first_call(first)
        old = example_url(first)

    with (
        socket.create_server(("127.0.0.1", urlsplit(old).port or 0)),
        running(told) as second,
    ):
        assert example_url(second) != old
        deadline = time.monotonic() + _SYNC_SECONDS
        while "42" not in httpx_call(
            second, "workbench__calculate", {"expression": "6 * 7"}
        ):
            assert time.monotonic() < deadline, "the tool set did not follow its server"


def test_interrupt_stops_the_gateway_and_its_example_server(
    told: dict[str, str],
) -> None:
    with running(told) as product:
        where = example_url(product)
        assert is_listening(where)

        code = stop(product.process)

        assert code == 0
        assert not is_listening(product.url)
        assert not is_listening(where)


def test_killed_gateway_takes_its_example_server_along(told: dict[str, str]) -> None:
    with running(told) as product:
        where = example_url(product)

        product.process.kill()
        product.process.wait()

        deadline = time.monotonic() + 60
        while is_listening(where):
            assert time.monotonic() < deadline, "the example server lives on"


def test_another_port_changes_the_addresses_and_nothing_else(
    told: dict[str, str],
) -> None:
    with running(told) as first:
        pass

    moved = told | {"PORT": str(free_port())}
    with running(moved) as second:
        assert second.demo["api_url"] == f"http://127.0.0.1:{moved['PORT']}"
        assert (
            urlsplit(second.demo["mcp_url"]).path
            == urlsplit(first.demo["mcp_url"]).path
        )
        assert second.demo["api_key"] == first.demo["api_key"]


def test_busy_port_is_said_before_anything_is_changed(
    told: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", int(told["PORT"]))):
        done = run_to_the_end(told)

    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{told['PORT']}" in done.stderr
    assert not (tmp_path / "toolcrib.sqlite3").exists()


def test_other_keys_than_the_databases_are_refused(told: dict[str, str]) -> None:
    with running(told):
        pass

    done = run_to_the_end(told | {"ENCRYPTION_KEYS": Fernet.generate_key().decode()})

    assert done.returncode == 1
    assert "ENCRYPTION_KEYS differ" in done.stderr


def test_demo_key_reaches_no_other_pack_and_no_other_user(first_run: Product) -> None:
    with Rest(first_run) as rest:
        pack = rest.send("POST", "/tool-packs/", {"name": "Other"})
        user = rest.send("POST", "/registered-users/", {"origin_user_id": "other"})
    mine, theirs = first_run.demo["registered_user_id"], user["id"]

    for pack_id, user_id in (
        (pack["id"], mine),
        (first_run.demo["tool_pack_id"], theirs),
    ):
        answer = httpx.post(
            f"{first_run.url}/tool-packs/{pack_id}/registered-users/{user_id}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            headers={"Authorization": f"Bearer {first_run.demo['api_key']}"},
            timeout=_ANSWER_SECONDS,
        )
        assert answer.status_code in {403, 404}


def test_run_without_demo_serves_and_makes_nothing(
    told: dict[str, str], tmp_path: Path
) -> None:
    with running(told, command=("manage.py", "run", "--no-demo")) as product:
        page = httpx.get(f"{product.url}/admin/login/", timeout=_ANSWER_SECONDS)
        assert page.status_code == 200

    assert product.demo == {}
    assert not (tmp_path / "demo.json").exists()
