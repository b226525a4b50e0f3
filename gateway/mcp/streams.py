"""The requests that open and end streams of list changes: GET and DELETE in the handshake eras, `subscriptions/listen` since."""

import asyncio
from typing import Any

from gateway import bus
from gateway.mcp.access import Access
from gateway.mcp.http import HttpError, accepts, send_json
from gateway.mcp.incoming import Incoming
from gateway.mcp.listeners import ENDED_TOPIC, Listener, Listeners
from gateway.mcp.listing import list_digest
from gateway.mcp.protocol import INVALID_PARAMS, RpcError


class Streams:
    """Opens and ends streams. One per event loop."""

    def __init__(self, access: Access, listeners: Listeners) -> None:
        self._access = access
        self._listeners = listeners

    async def open(self, incoming: Incoming) -> None:
        """GET: tell the session of changes until it or its client ends."""
        if not accepts(incoming.headers, "text/event-stream"):
            raise HttpError(
                406, "not_acceptable", "A GET opens a stream: accept text/event-stream."
            )
        client = incoming.session()
        incoming.visit = await self._access.enter(incoming.door)
        digest = await list_digest(incoming.visit.pack)
        listener = Listener(incoming.door, incoming.visit, digest, nonce=client.nonce)
        await self._listeners.serve(
            listener, incoming.receive, incoming.send, first=None
        )

    async def end(self, incoming: Incoming) -> None:
        """DELETE: end the streams of the session, in every process."""
        incoming.visit = await self._access.enter(incoming.door)
        client = incoming.session()
        if client.nonce:
            await asyncio.to_thread(bus.publish, ENDED_TOPIC, {"nonce": client.nonce})
        await send_json(incoming.send, 204, b"")

    async def listen(
        self, incoming: Incoming, request_id: str | int, params: dict[str, Any]
    ) -> None:
        """`subscriptions/listen`: acknowledge, then tell of changes until the client leaves."""
        wanted = params.get("notifications")
        if not isinstance(wanted, dict):
            raise RpcError(
                INVALID_PARAMS,
                "notifications must be an object that says what to listen for.",
            )
        granted = (
            {"toolsListChanged": True} if wanted.get("toolsListChanged") is True else {}
        )
        listener = Listener(
            incoming.door,
            incoming.visit,
            await list_digest(incoming.visit.pack),
            subscription=request_id,
            hears_of_tools=bool(granted),
        )
        first = listener.notification(
            "notifications/subscriptions/acknowledged", notifications=granted
        )
        await self._listeners.serve(
            listener, incoming.receive, incoming.send, first=first
        )
