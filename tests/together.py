"""Does several things at the same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

_SECONDS = 60


def together(*deeds: Callable[[], T]) -> list[T]:
    """What each of `deeds` gives, all of them begun at once. Only in a test whose database sees what is committed."""
    start = threading.Barrier(len(deeds))

    def done(deed: Callable[[], T]) -> T:
        try:
            start.wait(_SECONDS)
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(deeds)) as threads:
        begun = [threads.submit(done, deed) for deed in deeds]
        return [deed.result(_SECONDS) for deed in begun]
