"""What is still owed to an upstream when nobody waits any more: a cancellation, a reply to a ping, a polite goodbye."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Errands:
    """Short tasks, done as far as they succeed, and dropped when there are too many."""

    def __init__(self, *, seconds: float = 5.0, most: int = 64) -> None:
        self._seconds = seconds
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, errand: Coroutine[Any, Any, object]) -> None:
        if len(self._tasks) >= self._most:
            errand.close()
            return
        task = asyncio.get_running_loop().create_task(self._bounded(errand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bounded(self, errand: Coroutine[Any, Any, object]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await errand
        except Exception:  # noqa: BLE001 - the outermost shell of a task whose outcome nobody waits for
            return

    async def finish(self, *, seconds: float) -> None:
        """Wait a little for what is under way, and stop the rest."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
