"""Another encryption key for a house that goes on working: one process after another is given the next ring."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
from cryptography.fernet import Fernet
from django.conf import settings

from tests.processes.house import House, Process, agent
from tests.running import free_port


def with_ring(house: House, *keys: str) -> House:
    """The same house, whose new processes are told these keys."""
    return replace(
        house, environment={**house.environment, "ENCRYPTION_KEYS": ",".join(keys)}
    )


def manage(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**house.environment, "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def store(web: Process, house: House, name: str) -> None:
    path = f"/v1/tool_sets/{house.cast.bench}/secrets/{name}"
    answer = httpx.put(
        web.url + path,
        json={"value": "hush"},
        headers={"authorization": f"Bearer {house.cast.token}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def name_the_secret(web: Process, house: House) -> None:
    url = house.sql("SELECT adapter FROM toolsets_toolset WHERE slug = 'bench'")[0][0]
    adapter: dict[str, Any] = {"headers": {"X-Token": "${TOKEN}"}}
    answer = httpx.patch(
        f"{web.url}/v1/tool_sets/{house.cast.bench}",
        json={
            "metadata": {"name": "Bench"},
            "spec": {"adapter": {"mcp": adapter | {"url": url.split('"')[3]}}},
        },
        headers={"authorization": f"Bearer {house.cast.token}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def outcome(web: Process, house: House) -> Any:
    with agent(web, house.cast) as here:
        return here.call("echo").json()["result"]


def works(webs: Sequence[Process], house: House) -> bool:
    """Whether each of them opens the secret, and serves the key."""
    return all(not outcome(web, house).get("isError") for web in webs)


def test_a_key_is_changed_while_two_processes_go_on_serving(embedded: House) -> None:
    old = embedded.environment["ENCRYPTION_KEYS"]
    new = Fernet.generate_key().decode()
    knows_new, writes_new = (
        with_ring(embedded, old, new),
        with_ring(embedded, new, old),
    )
    first = embedded.web()
    store(first, embedded, "TOKEN")
    name_the_secret(first, embedded)

    too_early = manage(writes_new, "rotate_encryption_keys")
    second = knows_new.web()
    assert "Put it behind the others" in too_early.stderr
    assert works([first, second], embedded)

    assert manage(knows_new, "adopt_keys").returncode == 0
    late = manage(embedded, "run", "--no-demo")
    assert "ENCRYPTION_KEYS differ" in late.stderr
    first.end()
    third = writes_new.web()
    store(third, embedded, "OTHER")
    assert works([second, third], embedded)

    second.end()
    rotated = manage(writes_new, "rotate_encryption_keys")
    dropped = manage(with_ring(embedded, new), "adopt_keys")
    assert "2 of 2 looked at, 1 encrypted anew, 0 remaining" in rotated.stdout
    assert "is still needed: 0 secrets, 1 API keys" in rotated.stdout
    assert "would stop working" in dropped.stderr
    assert works([third], embedded)
