"""Batches, which only revision 2025-03-26 has: many messages in one request, their answers in one response."""

import asyncio
from typing import Any

from gateway.mcp.access import Access
from gateway.mcp.calling import Calling
from gateway.mcp.http import send_json
from gateway.mcp.incoming import Incoming
from gateway.mcp.messages import error_response, read, readable_id, response
from gateway.mcp.methods import simple_result
from gateway.mcp.protocol import INVALID_REQUEST, Client, RpcError
from gateway.mcp.running import RunningCalls

_MOST_IN_A_BATCH = 20
_BATCHES = "2025-03-26"


class Batches:
    """Answers batches. One per event loop."""

    def __init__(self, access: Access, calling: Calling, running: RunningCalls) -> None:
        self._access = access
        self._calling = calling
        self._running = running

    async def answer(self, incoming: Incoming, messages: list[Any], size: int) -> None:
        """Heed every message, all at once, and send the responses in their order."""
        incoming.visit = await self._access.enter(incoming.door)
        client = incoming.session()
        if client.version != _BATCHES or not 0 < len(messages) <= _MOST_IN_A_BATCH:
            refused = RpcError(
                INVALID_REQUEST,
                f"Only {_BATCHES} has batches, of 1 to {_MOST_IN_A_BATCH} messages.",
            )
            await send_json(incoming.send, 400, error_response(None, refused))
            return
        answers = await asyncio.gather(
            *(self._batched(incoming, client, message, size) for message in messages)
        )
        sent = [answer for answer in answers if answer is not None]
        await (
            incoming.reply(b"[" + b",".join(sent) + b"]")
            if sent
            else send_json(incoming.send, 202, b"")
        )

    async def _batched(
        self, incoming: Incoming, client: Client, message: Any, size: int
    ) -> bytes | None:
        request_id = readable_id(message)
        try:
            method, _ = read(message)
            if method is None:
                return None
            params = message.get("params") or {}
            if request_id is None:
                await self._running.notified(client.nonce, method, params)
                return None
            if not isinstance(params, dict) or method == "initialize":
                raise RpcError(
                    INVALID_REQUEST, "This message may not stand in a batch."
                )
            if method != "tools/call":
                return response(
                    request_id,
                    await simple_result(method, params, client, incoming.visit),
                )
            return await self._calling.in_batch(
                incoming, client, request_id, params, size
            )
        except RpcError as exc:
            return error_response(request_id, exc)
