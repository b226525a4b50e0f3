"""How the tests of a run are spread over its workers."""

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

_TOGETHER = (
    "tests/browser/",
    "tests/conformance/",
    "tests/journeys/",
    "tests/processes/",
    "tests/test_run.py",
)
"""Tests that share programs which are slow to start: one worker runs all of a line, and begins with them."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
    """One test at a time for whoever is free, except for those that stay together, which go first."""

    def _split_scope(self, nodeid: str) -> str:
        return next((path for path in _TOGETHER if nodeid.startswith(path)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of what the tests take is waiting."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests with one name, workers would run one, and nobody would miss the others."""
    names = Counter(item.nodeid for item in items)
    if twice := [name for name, times in names.items() if times > 1]:
        raise pytest.UsageError(f"{names[twice[0]]} tests are called {twice[0]}.")
