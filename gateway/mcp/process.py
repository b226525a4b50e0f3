"""A web process of the gateway: what it starts before it serves, and how it leaves."""

import asyncio
import gc
import sys
from typing import Self

from django.conf import settings

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
from gateway.mcp.news import UpstreamNews
from gateway.mcp.records import RecordWriter
from gateway.mcp.running import RunningCalls
from toolsets.adapters.forwarding import Forwarder

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
        self.news = UpstreamNews()
        self.forwarder = Forwarder(
            calls_per_tool_set=settings.CALLS_PER_TOOL_SET,
            on_list_changed=self.news.tell,
        )
        self.endpoint: Endpoint
        self._process: Process
        self._tasks: list[asyncio.Task[None]] = []

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

    async def __aexit__(self, *_: object) -> None:
        self.listeners.close()
        self.running.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.forwarder.aclose()  # after which no upstream has news
        await self.news.aclose()
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
