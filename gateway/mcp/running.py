"""Calls under way that somebody else can end: by a later request of the same session, in whichever process they run."""

import asyncio
from typing import Any

from gateway import bus

_TOPIC = "call-cancelled"


class RunningCall:
    """The task that carries a call, as long as its caller still waits for the answer."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self.is_answered = False
        self._task = asyncio.current_task()

    def cancel(self) -> None:
        """End the call, unless its answer is on its way already."""
        if self._task is not None and not (self.is_cancelled or self.is_answered):
            self.is_cancelled = True
            self._task.cancel()

    def survived(self) -> None:
        """The cancellation ended the call, and nothing else: whoever carried it goes on."""
        if self._task is not None:
            self._task.uncancel()


class RunningCalls:
    """The calls of this process, by session and request id."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], RunningCall] = {}
        bus.listen(_TOPIC, self._hear)

    def close(self) -> None:
        bus.unlisten(_TOPIC, self._hear)

    def add(self, nonce: str, request_id: Any, call: RunningCall) -> None:
        if nonce:
            self._calls[nonce, repr(request_id)] = call

    def remove(self, nonce: str, request_id: Any, call: RunningCall) -> None:
        key = (nonce, repr(request_id))
        if self._calls.get(key) is call:
            del self._calls[key]

    async def notified(self, nonce: str, method: str, params: Any) -> None:
        """Heed what a client says about its calls; other notifications are not about them."""
        if method == "notifications/cancelled" and isinstance(params, dict):
            await self.cancel(nonce, params.get("requestId"))

    async def cancel(self, nonce: str, request_id: Any) -> None:
        """Cancel the call, wherever it runs; what is unknown or over is left alone."""
        call = self._calls.get((nonce, repr(request_id)))
        if call is not None:
            call.cancel()
        elif nonce:
            await asyncio.to_thread(
                bus.publish, _TOPIC, {"nonce": nonce, "request": repr(request_id)}
            )

    def _hear(self, content: dict[str, Any]) -> None:
        call = self._calls.get((content["nonce"], content["request"]))
        if call is not None:
            call.cancel()
