"""What upstreams say of their lists of tools: heard at once, and of who goes on saying so less and less often."""

import asyncio
import logging
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from gateway.database import in_database
from toolsets import sync
from toolsets.tasks import wake_sync

log = logging.getLogger(__name__)

_FIRST_HOLD_SECONDS = 10.0


@dataclass(slots=True)
class _Heard:
    """When an upstream is heard again, how long it is not heard after that, and what is under way for it."""

    again_at: float
    hold: float
    asking: asyncio.Task[None]


class UpstreamNews:
    """Asks for a sync of the tool sets whose upstreams say that their tools changed. It lives on one event loop.

    The first news is passed on at once. What comes soon after waits until ten seconds are over, and what comes soon after
    that twice as long, up to the time between scheduled syncs; no upstream can have itself synced, or the database asked,
    more often. One that was silent for as long is heard at once again.
    """

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def tell(self, tool_set_id: str) -> None:
        """The upstream of this tool set has, or may have, other tools."""
        now = asyncio.get_running_loop().time()
        heard = self._heard.get(tool_set_id)
        if heard is not None and not heard.asking.done():
            return
        at, hold = now, _FIRST_HOLD_SECONDS
        if heard is not None and now < heard.again_at + heard.hold:
            at = max(now, heard.again_at)
            hold = min(2 * heard.hold, float(settings.SYNC_INTERVAL_SECONDS))
        asking = asyncio.create_task(_ask_for_sync(tool_set_id, after=at - now))
        self._heard[tool_set_id] = _Heard(again_at=at + hold, hold=hold, asking=asking)

    async def aclose(self) -> None:
        """Drop what still waits: the schedule syncs later."""
        asking = [heard.asking for heard in self._heard.values()]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _ask_for_sync(tool_set_id: str, *, after: float) -> None:
    await asyncio.sleep(after)
    try:
        await in_database(_sync, tool_set_id)
    except Exception as exc:  # noqa: BLE001 - the outermost shell of a task whose outcome nobody waits for; the schedule syncs later
        log.warning("sync not asked for", extra={"cause": type(exc).__name__})


def _sync(tool_set_id: str) -> None:
    if sync.upstream_changed(tool_set_id, at=timezone.now()):
        wake_sync(tool_set_id)
