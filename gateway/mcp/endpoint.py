"""The MCP endpoint of a pack: a raw ASGI application that speaks every supported revision on one URL.

POST    requests and notifications; in the handshake eras also `initialize`, in 2025-03-26 also batches
GET     a stream of list changes, in the handshake eras
DELETE  ends the streams of a session
"""

import re
from typing import Any

import orjson

from gateway.database import DatabaseAway
from gateway.identity.keys import TokenInvalid
from gateway.mcp.access import Access, Door, KeyNotAllowed, NotHere
from gateway.mcp.batches import Batches
from gateway.mcp.calling import Calling
from gateway.mcp.calls import Crib
from gateway.mcp.door import bearer, turned_away
from gateway.mcp.http import (
    Gone,
    HttpError,
    Receive,
    Scope,
    Send,
    check_host_and_origin,
    check_media_types,
    header_map,
    read_body,
    send_json,
)
from gateway.mcp.incoming import Incoming
from gateway.mcp.listeners import Listeners
from gateway.mcp.messages import (
    error_response,
    meta_of,
    parsed,
    read,
    readable_id,
    response,
)
from gateway.mcp.methods import initialized, simple_result
from gateway.mcp.protocol import (
    INVALID_PARAMS,
    Client,
    RpcError,
    is_modern_request,
)
from gateway.mcp.running import RunningCalls
from gateway.mcp.streams import Streams

PATH = re.compile(r"/tool-packs/([^/]+)/registered-users/([^/]+)/mcp/?")


class Endpoint:
    """Serves every pack's MCP URL. One per event loop."""

    def __init__(
        self,
        *,
        access: Access,
        crib: Crib,
        listeners: Listeners,
        running: RunningCalls,
        most_bytes: int,
    ) -> None:
        self._access = access
        self._running = running
        self._calling = Calling(access, crib, running)
        self._batches = Batches(access, self._calling, running)
        self._streams = Streams(access, listeners)
        self._most_bytes = most_bytes

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, pack: str, user: str
    ) -> None:
        try:
            headers = header_map(scope)
            check_host_and_origin(headers)
            serve = {
                "POST": self._post,
                "GET": self._streams.open,
                "DELETE": self._streams.end,
            }.get(scope["method"])
            if serve is None:
                raise HttpError(
                    405,
                    "method_not_allowed",
                    "Use POST.",
                    [(b"allow", b"POST, GET, DELETE")],
                )
            door = Door(token=bearer(headers), pack=pack, registered_user=user)
            visit = self._access.recall(door) or await self._access.enter(door)
            await serve(Incoming(scope, receive, send, headers, door, visit))
        except (TokenInvalid, KeyNotAllowed, NotHere, DatabaseAway) as exc:
            refused = turned_away(exc)
            await send_json(send, refused.status, refused.body, refused.headers)
        except HttpError as exc:
            await send_json(send, exc.status, exc.body, exc.headers)
        except Gone:
            return

    async def _post(self, incoming: Incoming) -> None:
        check_media_types(incoming.headers)
        body = await read_body(incoming.receive, most=self._most_bytes)
        try:
            message = parsed(body)
        except RpcError as exc:
            await send_json(incoming.send, 400, error_response(None, exc))
            return
        if isinstance(message, list):
            await self._batches.answer(incoming, message, len(body))
        else:
            await self._post_one(incoming, message, len(body))

    async def _post_one(self, incoming: Incoming, message: Any, size: int) -> None:
        try:
            method, request_id = read(message)
        except RpcError as exc:
            refused = error_response(readable_id(message), exc)
            await send_json(incoming.send, 400, refused)
            return
        if method is None:  # a response; we never ask on this transport
            await send_json(incoming.send, 202, b"")
            return
        params = message.get("params")
        is_modern = is_modern_request(
            incoming.headers.get("mcp-protocol-version"), meta_of(params)
        )
        if request_id is None:
            await self._notified(incoming, method, params, is_modern=is_modern)
            return
        try:
            if params is not None and not isinstance(params, dict):
                raise RpcError(INVALID_PARAMS, "params must be an object.")
            client = (
                incoming.modern(method, params)
                if is_modern
                else incoming.session(method)
            )
            await self._requested(
                incoming, client, request_id, method, params or {}, size
            )
        except RpcError as exc:
            await send_json(
                incoming.send,
                exc.status if is_modern else 200,
                error_response(request_id, exc),
            )

    async def _notified(
        self, incoming: Incoming, method: str, params: Any, *, is_modern: bool
    ) -> None:
        incoming.visit = await self._access.enter(incoming.door)
        if not is_modern:
            await self._running.notified(incoming.session().nonce, method, params)
        await send_json(incoming.send, 202, b"")

    async def _requested(
        self,
        incoming: Incoming,
        client: Client,
        request_id: str | int,
        method: str,
        params: dict[str, Any],
        size: int,
    ) -> None:
        if method == "tools/call":  # asks for itself what is true now
            await self._calling.answer(incoming, client, request_id, params, size)
            return
        incoming.visit = await self._access.enter(incoming.door)
        match method:
            case "subscriptions/listen" if client.is_modern:
                await self._streams.listen(incoming, request_id, params)
            case "initialize" if not client.is_modern:
                result, headers = initialized(params, incoming.visit)
                await incoming.reply(
                    response(request_id, orjson.dumps(result)), headers
                )
            case _:
                await incoming.reply(
                    response(
                        request_id,
                        await simple_result(method, params, client, incoming.visit),
                    )
                )
