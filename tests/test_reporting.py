"""A whole run must make enough generated requests up, over all its workers; a part of it need not."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

_PLUGINS = ("-p", "xdist.plugin", "-p", "tests.reporting")
_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_generated(number, record_property):
    record_property("generated requests", {requests})
"""


def run(folder: Path, requests: int, *arguments: str) -> "tuple[int, str]":
    """The exit code of a run of four tests with that many requests each, and what it says."""
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text(_TESTS.format(requests=requests))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *_PLUGINS, *arguments],
        cwd=folder,
        env={
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(settings.BASE_DIR),
        },
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_whole_run_with_too_few_generated_requests_fails(
    workers: str, tmp_path: Path
) -> None:
    code, said = run(tmp_path, 1_249, "-n", workers)

    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "4996 requests were generated; a whole run makes 5000 or more." in said


@pytest.mark.parametrize(
    ("requests", "arguments"),
    [(1_250, ("-n", "2")), (1, ("tests/test_it.py",)), (1, ("-k", "generated"))],
    ids=["enough", "one file", "some tests"],
)
def test_run_with_enough_generated_requests_or_of_a_part_passes(
    requests: int, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    code, said = run(tmp_path, requests, *arguments)

    assert code == pytest.ExitCode.OK, said
    assert f"{4 * requests} requests were generated" in said
