"""The HTTP clients of one process, one per target, so that no connection made with one credential serves another."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from gateway.network import forwarding_client
from toolsets.adapters.calling import SessionKey, Target, ToolSetBusy

_Key = tuple[SessionKey, tuple[str, ...]]


@dataclass(kw_only=True, eq=False)
class _Held:
    client: aiohttp.ClientSession
    in_use: int = 0
    last_used: float = 0.0


class Clients:
    """Clients by credential and networks: made when needed, closed when idle, bounded in number."""

    def __init__(
        self, *, most: int, connect_seconds: float, idle_seconds: float
    ) -> None:
        self._most = most
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._held: dict[_Key, _Held] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    @contextmanager
    def of(self, target: Target) -> Iterator[aiohttp.ClientSession]:
        """The target's client, which stays open while it is used.

        Raises:
            ToolSetBusy: too many are in use.
        """
        key = (target.key, target.networks)
        held = self._held.get(key)
        if held is None:
            self._make_room()
            held = self._held[key] = _Held(client=self._new(target))
        held.in_use += 1
        try:
            yield held.client
        finally:
            held.in_use -= 1
            held.last_used = asyncio.get_running_loop().time()
            self._sweep_later()

    def _new(self, target: Target) -> aiohttp.ClientSession:
        return forwarding_client(
            networks=target.networks,
            max_connections=0,
            connect_seconds=self._connect_seconds,
        )

    def _make_room(self) -> None:
        if len(self._held) < self._most:
            return
        idle = [key for key, held in self._held.items() if not held.in_use]
        if not idle:
            raise ToolSetBusy(
                "Toolcrib has too many upstream connections in use. Try again shortly."
            )
        self._close(min(idle, key=lambda key: self._held[key].last_used))

    def _close(self, key: _Key) -> None:
        closing = asyncio.get_running_loop().create_task(
            self._held.pop(key).client.close()
        )
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _sweep_later(self) -> None:
        if self._sweeper is None and self._held:
            self._sweeper = asyncio.get_running_loop().call_later(
                max(self._idle_seconds / 4, 0.05), self._sweep
            )

    def _sweep(self) -> None:
        self._sweeper = None
        now = asyncio.get_running_loop().time()
        for key, held in list(self._held.items()):
            if not held.in_use and now - held.last_used > self._idle_seconds:
                self._close(key)
        self._sweep_later()

    async def aclose(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for key in list(self._held):
            self._close(key)
        await asyncio.gather(*self._closing, return_exceptions=True)
