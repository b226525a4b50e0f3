"""Commands beside running processes: with Redis a worker does the sync, and the command follows it."""

import json
import subprocess
import sys

from django.conf import settings

from tests.processes.house import House, wait_until
from tests.processes.upstream import Workshop


def manage(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=dict(house.environment),
        capture_output=True,
        text=True,
        timeout=150,
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


def about_workers(house: House) -> tuple[str, str]:
    """What the doctor thinks of the workers, and says of them."""
    found = json.loads(manage(house, "doctor", "--json").stdout)
    (workers,) = (one for one in found if one["about"] == "workers")
    return workers["grade"], workers["said"]


def test_doctor_finds_the_worker_that_is_there(house: House) -> None:
    grade, _ = about_workers(house)
    assert grade == "problem"

    worker = house.worker()
    manage(house, "tool_sets", "sync", "bench")
    wait_until(  # it does not wait long for an answer: a busy worker may be too late
        lambda: about_workers(house) == ("ok", "1 answer."),
        what="the doctor to find the worker",
    )
    worker.end()
