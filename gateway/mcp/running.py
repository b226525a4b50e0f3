"""Calls of the handshake eras that can be cancelled by a later request, in whichever process they run."""

import asyncio
from typing import Any

from gateway import bus
from gateway.mcp.exchange import Exchange

_TOPIC = "call-cancelled"


class RunningCalls:
    """The exchanges of this process, by session and request id."""

    def __init__(self) -> None:
        self._exchanges: dict[tuple[str, str], Exchange] = {}
        bus.listen(_TOPIC, self._hear)

    def close(self) -> None:
        bus.unlisten(_TOPIC, self._hear)

    def add(self, nonce: str, request_id: Any, exchange: Exchange) -> None:
        if nonce:
            self._exchanges[nonce, repr(request_id)] = exchange

    def remove(self, nonce: str, request_id: Any, exchange: Exchange) -> None:
        key = (nonce, repr(request_id))
        if self._exchanges.get(key) is exchange:
            del self._exchanges[key]

    async def cancel(self, nonce: str, request_id: Any) -> None:
        """Cancel the call, wherever it runs; what is unknown or over is left alone."""
        exchange = self._exchanges.get((nonce, repr(request_id)))
        if exchange is not None:
            exchange.cancel()
        elif nonce:
            await asyncio.to_thread(
                bus.publish, _TOPIC, {"nonce": nonce, "request": repr(request_id)}
            )

    def _hear(self, content: dict[str, Any]) -> None:
        exchange = self._exchanges.get((content["nonce"], content["request"]))
        if exchange is not None:
            exchange.cancel()
