"""How the tests of a run are spread over its workers, and which of them run on the database of the environment."""

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

_OWN_SERVERS = "tests/processes/"
_TOGETHER = (
    (_OWN_SERVERS, "tests/test_run.py"),
    ("tests/browser/", "tests/conformance/", "tests/journeys/"),
)
"""Tests that start many programs: one worker runs all of a group, so that they neither start more nor fight for a core."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
    """One test at a time for whoever is free, except for those that stay together, which go first."""

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (group[0] for group in _TOGETHER if nodeid.startswith(group)), nodeid
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: half of what the tests take is waiting."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _runs_on_the_database(item):
            item.add_marker("database")
    _refuse_shared_names(items)


def _runs_on_the_database(item: pytest.Item) -> bool:
    """Whether DATABASE_URL and REDIS_URL concern it: it has a test database, or starts the product."""
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    marks = [item.get_closest_marker(m) for m in ("django_db", "browser", "processes")]
    return bool(fixtures or any(marks)) and not item.nodeid.startswith(_OWN_SERVERS)


def _refuse_shared_names(items: list[pytest.Item]) -> None:
    """Of tests with one name, workers would run one, and nobody would miss the others."""
    names = Counter(item.nodeid for item in items)
    if twice := [name for name, times in names.items() if times > 1]:
        raise pytest.UsageError(f"{names[twice[0]]} tests are called {twice[0]}.")
