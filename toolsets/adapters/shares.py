"""How much of the process's concurrency each tool set may take, so that a hanging upstream starves nobody."""

import asyncio
from collections import deque

from toolsets.adapters.calling import ToolSetBusy


class _Share:
    __slots__ = ("taken", "waiting")

    def __init__(self) -> None:
        self.taken = 0
        self.waiting: deque[asyncio.Future[None]] = deque()


class Shares:
    """Places for calls, counted per tool set and in all.

    A tool set has at most `each` places, and never more than are still free in all: however many upstreams hang, the
    next tool set finds room. A few more calls may wait until one of their own tool set ends.
    """

    def __init__(self, *, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._most_waiting = max(1, each // 4)
        self._taken = 0
        self._shares: dict[str, _Share] = {}

    def take(self, tool_set_id: str) -> bool:
        """Take a place if one is free at once.

        Raises:
            ToolSetBusy: none is, and it makes no sense to wait.
        """
        share = self._shares.get(tool_set_id)
        if share is None:
            share = self._shares[tool_set_id] = _Share()
        if share.taken < self._each and not share.waiting:
            if share.taken >= self._total - self._taken:
                self._forget_if_unused(tool_set_id, share)
                raise ToolSetBusy(
                    "Toolcrib has too many calls under way. Try again shortly."
                )
            share.taken += 1
            self._taken += 1
            return True
        if sum(not place.done() for place in share.waiting) >= self._most_waiting:
            raise ToolSetBusy(
                "Too many calls of this upstream are under way. Try again shortly."
            )
        return False

    async def wait(self, tool_set_id: str) -> None:
        """Wait for the place that a call of the same tool set leaves."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share = self._shares[tool_set_id]
        share.waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self.leave(tool_set_id)  # the place came just as the caller gave up
            raise

    def leave(self, tool_set_id: str) -> None:
        share = self._shares[tool_set_id]
        while share.waiting:
            place = share.waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        share.taken -= 1
        self._taken -= 1
        self._forget_if_unused(tool_set_id, share)

    def _forget_if_unused(self, tool_set_id: str, share: _Share) -> None:
        if not share.taken and not share.waiting:
            del self._shares[tool_set_id]
