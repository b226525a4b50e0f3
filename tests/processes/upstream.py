"""The upstream of these tests: it writes down every call that it executes, and answers slow ones when it is told to."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.upstreams import (
    INITIALIZED,
    Receive,
    Scope,
    Send,
    body_of,
    error_of,
    respond,
    result_of,
    tool,
)

WORK = [f"work_{number}" for number in range(100)]
WAITING = {*WORK, "hang"}
MANY = 4_000


class Workshop:
    """An ASGI app: `/bench` has tools that answer at once and `work_*`, which wait for `gate`, as `/hang` does; `/many`
    has thousands of tools."""

    def __init__(self) -> None:
        self.executed: list[str] = []
        self.cancelled = 0
        self.gate = threading.Event()
        self.gate.set()
        self.listings = 0
        self.most_listings_at_once = 0
        self._now_listing = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        self.executed.clear()
        self.gate.set()
        self.cancelled = self.listings = self.most_listings_at_once = 0

    @contextmanager
    def closed_gate(self) -> Iterator[None]:
        """Calls of `work_*` that arrive meanwhile are answered at the end of the block."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = json.loads(await body_of(receive) or b"{}")
        match request.get("method"):
            case "initialize":
                await respond(send, 200, result_of(request, INITIALIZED))
            case "notifications/initialized":
                await respond(send, 202, None)
            case "notifications/cancelled":
                self.cancelled += 1
                await respond(send, 202, None)
            case "tools/list":
                await respond(send, 200, result_of(request, await self._list(scope)))
            case "tools/call":
                result = await self._call(request["params"])
                await respond(send, 200, result_of(request, result))
            case _:
                await respond(send, 400, error_of(request, -32601, "Method not found"))

    async def _list(self, scope: Scope) -> dict[str, Any]:
        self.listings += 1
        self._now_listing += 1
        self.most_listings_at_once = max(self.most_listings_at_once, self._now_listing)
        try:
            await asyncio.sleep(0.05)
        finally:
            self._now_listing -= 1
        names = {
            "/bench": ["echo", "add", "spare", *WORK],
            "/hang": ["hang"],
            "/many": [f"many_{number}" for number in range(MANY)],
        }[scope["path"]]
        return {"tools": [tool(name) for name in names]}

    async def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["name"]
        self.executed.append(name)
        while name in WAITING and not self.gate.is_set():  # noqa: ASYNC110 - the gate belongs to another thread
            await asyncio.sleep(0.05)
        said = json.dumps(params.get("arguments"))
        return {"content": [{"type": "text", "text": f"{name} {said}"}]}
