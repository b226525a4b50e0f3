"""Commands beside running processes: with Redis a worker does the sync, and the command follows it."""

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.processes.house import House
from tests.processes.upstream import Workshop

pytestmark = pytest.mark.timeout(180)


def manage(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=dict(house.environment),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_with_redis_a_worker_syncs_and_the_command_follows(
    house: House, workshop: Workshop
) -> None:
    alone = manage(house, "tool_sets", "sync", "bench", "--timeout", "2")
    assert alone.returncode == 1
    assert "No worker took the sync up" in alone.stderr
    assert workshop.listings == 0

    worker = house.worker()
    synced = manage(house, "tool_sets", "sync", "bench", "--json")
    worker.end()

    assert synced.returncode == 0, synced.stderr
    (end,) = json.loads(synced.stdout)
    assert (end["type"], end["toolsSynced"]) == ("sync_completed", 103)


def test_doctor_finds_the_worker_that_is_there(house: House) -> None:
    without = manage(house, "doctor", "--json")
    worker = house.worker()
    manage(house, "tool_sets", "sync", "bench")
    found = manage(house, "doctor", "--json")
    worker.end()

    said = [
        {one["about"]: one for one in json.loads(ran.stdout)}["workers"]
        for ran in (without, found)
    ]
    assert [one["grade"] for one in said] == ["problem", "ok"]
    assert said[1]["said"] == "1 answer."
