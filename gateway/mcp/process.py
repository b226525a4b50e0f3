"""A web process of the gateway: what it starts before it serves, and how it leaves."""

import asyncio
import gc
import logging
import sys
from typing import Self

from django.conf import settings
from django.utils import timezone

from gateway import bus
from gateway.database import in_database
from gateway.identity.installation import check_fit
from gateway.lane import Lane
from gateway.mcp import heartbeat
from gateway.mcp.access import Access
from gateway.mcp.calls import Crib
from gateway.mcp.credentials import Credentials
from gateway.mcp.endpoint import Endpoint
from gateway.mcp.listeners import Listeners
from gateway.mcp.models import Process
from gateway.mcp.records import RecordWriter
from gateway.mcp.running import RunningCalls
from toolsets import sync
from toolsets.adapters.forwarding import Forwarder
from toolsets.tasks import wake_sync

log = logging.getLogger(__name__)

_COLLECT_AFTER = (2_000, 10, 40)
"""New objects until the young are collected; collections until those that survived are, and until all are."""

_SWITCH_SECONDS = 0.001
"""How long a thread may keep the others waiting: by default 5 ms, which a call would feel at each of its hops."""


class WebProcess:
    """Everything that lives as long as the process serves; it belongs to one event loop."""

    def __init__(self) -> None:
        self.lane = Lane()
        self.records = RecordWriter(self.lane)
        self.credentials = Credentials()
        self.access = Access(self.lane)
        self.listeners = Listeners(self.access)
        self.running = RunningCalls()
        self.forwarder = Forwarder(
            calls_per_tool_set=settings.CALLS_PER_TOOL_SET,
            on_list_changed=self._sync_soon,
        )
        self.endpoint: Endpoint
        self._process: Process
        self._tasks: list[asyncio.Task[None]] = []
        self._syncing: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        _settle_interpreter()
        await in_database(check_fit)
        self._process = await in_database(heartbeat.join)
        self.lane.start()
        crib = Crib(
            process_id=self._process.pk,
            records=self.records,
            credentials=self.credentials,
            forwarder=self.forwarder,
            call_timeout_seconds=settings.CALL_TIMEOUT_SECONDS,
            most_result_bytes=settings.MAX_RESULT_BYTES,
        )
        self.endpoint = Endpoint(
            access=self.access,
            crib=crib,
            listeners=self.listeners,
            running=self.running,
            most_bytes=settings.MAX_CALL_BYTES,
        )
        self._tasks = [
            asyncio.create_task(heartbeat.beat_forever(self._process)),
            asyncio.create_task(self.listeners.compare_forever()),
            asyncio.create_task(self.credentials.record_use_forever()),
            asyncio.create_task(bus.relay_from_other_processes()),
        ]
        return self

    def _sync_soon(self, tool_set_id: str) -> None:
        """An upstream said that its tools changed; it is heard once at a time."""
        if tool_set_id not in self._syncing:
            asking = asyncio.create_task(_ask_for_sync(tool_set_id))
            self._syncing[tool_set_id] = asking
            asking.add_done_callback(lambda _: self._syncing.pop(tool_set_id, None))

    async def __aexit__(self, *_: object) -> None:
        self.listeners.close()
        self.running.close()
        await self.forwarder.aclose()  # after which no upstream has news
        background = [*self._tasks, *self._syncing.values()]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await self.credentials.record_use()
        await self.lane.stop()
        await in_database(heartbeat.leave, self._process)


def _settle_interpreter() -> None:
    """Keep the interpreter's own pauses short.

    What was loaded to start lives as long as the process, so the garbage collector need not walk it again: a full
    collection of it takes 300 ms, in which every call waits. While a large listing is merged, one of the rest takes 35 ms;
    by default it would come three times a second.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def _ask_for_sync(tool_set_id: str) -> None:
    try:
        await in_database(_sync, tool_set_id)
    except Exception as exc:  # noqa: BLE001 - the outermost shell of a task whose outcome nobody waits for; the schedule syncs later
        log.warning("sync not asked for", extra={"cause": type(exc).__name__})


def _sync(tool_set_id: str) -> None:
    if sync.upstream_changed(tool_set_id, at=timezone.now()):
        wake_sync(tool_set_id)
