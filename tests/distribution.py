"""How the tests of a run are spread over its workers."""

from collections import Counter

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests with one name, workers would run one, and nobody would miss the others."""
    names = Counter(item.nodeid for item in items)
    if twice := [name for name, times in names.items() if times > 1]:
        raise pytest.UsageError(f"{names[twice[0]]} tests are called {twice[0]}.")
