"""`manage.py doctor`: what it finds, with the cause and what to do, and its exit code."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery import Celery
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from gateway.identity.installation import adopt_ring
from gateway.identity.models import Workspace
from gateway.mcp import heartbeat
from gateway.mcp.diagnosis import foundations, workers
from gateway.mcp.diagnosis.findings import Grade
from tests.commands.conftest import Run
from tests.rest import installer
from toolsets.connecting import connect
from toolsets.models import SyncState, ToolSet
from toolsets.secrets import store_secret
from toolsets.sync import run_sync

pytestmark = pytest.mark.django_db


def findings(run: Run, grade: str) -> dict[str, Any]:
    """What doctor finds of this grade, the last about each thing."""
    found = run("doctor", "--json").json
    return {one["about"]: one for one in found if one["grade"] == grade}


def connected(workspace: Workspace, **headers: str) -> ToolSet:
    return connect(
        workspace,
        name="Shop",
        adapter_type="mcp",
        adapter={"url": "http://127.0.0.1:1/", "headers": headers},
        actor=installer(workspace),
    )


def test_sound_installation_has_nothing_to_mend(run: Run, workspace: Workspace) -> None:
    heartbeat.join()

    ran = run("doctor")

    assert ran.failure == ""
    assert {line[:7].strip() for line in ran.out.splitlines()} == {"ok"}
    assert "web processes: 1 alive." in ran.out


def test_missing_trigger_is_named_with_what_makes_it_again(
    run: Run, workspace: Workspace
) -> None:
    on_table = " ON toolsets_tool" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER toolsets_tool_revision_update{on_table}")

    broken = findings(run, "problem")

    assert "toolsets_tool_revision_update" in broken["triggers"]["said"]
    assert "manage.py migrate" in broken["triggers"]["fix"]
    assert run("doctor").failure == "1 problems were found."


def test_other_keys_are_a_problem_and_older_ones_a_warning(
    run: Run, workspace: Workspace, settings: Settings
) -> None:
    store_secret(workspace, name="A", value="x", actor=installer(workspace))
    adopt_ring()
    old = settings.ENCRYPTION_KEYS

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "ENCRYPTION_KEYS differ" in findings(run, "problem")["keys"]["said"]

    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *old]
    adopt_ring()
    assert "still needed by 1 secrets" in findings(run, "warning")["keys"]["said"]

    run("rotate_encryption_keys")
    assert "not needed any more" in findings(run, "warning")["keys"]["said"]

    settings.ENCRYPTION_KEYS = ["nonsense"]
    assert "not a Fernet key" in findings(run, "problem")["keys"]["said"]


def test_failing_upstream_is_named_with_its_cause_and_what_to_do(
    run: Run, workspace: Workspace
) -> None:
    tool_set = connected(workspace, Authorization="${TOKEN}")
    run_sync(tool_set.pk)

    found = findings(run, "warning")["upstreams"]

    assert "Shop (shop, workspace" in found["said"]
    assert "is needs_credential" in found["said"]
    assert "needs the secret TOKEN" in found["cause"]
    assert "Add the secret" in found["fix"]
    assert f"manage.py tool_sets sync {tool_set.pk}" in found["fix"]


def test_sync_that_nobody_does_is_a_problem(run: Run, workspace: Workspace) -> None:
    connected(workspace)
    SyncState.objects.update(due_at=timezone.now() - timedelta(minutes=3))

    assert "1 syncs have been due" in findings(run, "problem")["syncs"]["said"]
    assert "None is alive" in findings(run, "warning")["workers"]["said"]


def test_redis_that_is_away_and_a_worker_that_is_missing_are_problems(
    run: Run,
    workspace: Workspace,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    away = Celery(broker=settings.REDIS_URL, set_as_current=False)
    monkeypatch.setattr(workers, "app", away)  # others test with workers that answer

    broken = findings(run, "problem")

    assert broken["broker"]["cause"] == "ConnectionError"
    assert broken["workers"]["cause"] == "OperationalError"
    assert "celery -A gateway.celery worker" in broken["workers"]["fix"]


def test_database_that_answers_late_has_no_other_clock() -> None:
    with time_machine.travel(timezone.now()) as traveller:

        def late(execute: Any, *statement: Any) -> Any:
            answer = execute(*statement)
            traveller.shift(10)
            return answer

        with connection.execute_wrapper(late):
            found = foundations.clock()

    assert found.grade is Grade.OK


def told(folder: Path, **environment: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(folder),
        "SECRET_KEY": "x",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        **environment,
    }


@pytest.mark.processes
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "postgres://u:hush@127.0.0.1:1/x"}, "does not answer"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "migrations are not applied"),
    ],
)
def test_doctor_itself_survives_what_is_broken(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=django_settings.BASE_DIR,
        env=told(tmp_path, **environment),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stdout + done.stderr
