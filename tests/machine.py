"""What the machine offers to tests: without it they are skipped here, and fail where everything must run."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

EVERYTHING_IS_REQUIRED = (
    os.environ.get("CI", "").lower() == "true"
    or os.environ.get("TOOLCRIB_REQUIRE_ALL") == "1"
)


def lacks(what: str) -> NoReturn:
    """Skip the test for want of `what`; in CI, or with TOOLCRIB_REQUIRE_ALL=1, fail it."""
    if EVERYTHING_IS_REQUIRED:
        pytest.fail(f"{what}, and here every test must run", pytrace=False)
    pytest.skip(what)


def command(name: str) -> Path:
    """Where an installed command is."""
    found = shutil.which(name)
    return Path(found) if found else lacks(f"the command {name} is not installed")


def chromium() -> Path:
    """The browser that browser tests drive."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    lacks("Chromium is not installed")
