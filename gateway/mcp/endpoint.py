"""The MCP endpoint of a pack: a raw ASGI application that speaks every supported revision on one URL.

POST    requests and notifications; in the handshake eras also `initialize`, in 2025-03-26 also batches
GET     a stream of list changes, in the handshake eras
DELETE  ends the streams of a session
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway import bus
from gateway.database import DatabaseAway
from gateway.errors import GatewayError
from gateway.identity.keys import TokenInvalid
from gateway.mcp.access import Access, Door, KeyNotAllowed, NotHere, Visit
from gateway.mcp.calls import Crib, call_tool
from gateway.mcp.exchange import Exchange
from gateway.mcp.http import (
    Gone,
    HttpError,
    Receive,
    Scope,
    Send,
    check_host_and_origin,
    header_map,
    read_body,
    send_json,
)
from gateway.mcp.listeners import ENDED_TOPIC, Listener, Listeners
from gateway.mcp.listing import list_digest, tools_list
from gateway.mcp.messages import (
    error_response,
    meta_of,
    parsed,
    read,
    readable_id,
    response,
)
from gateway.mcp.protocol import (
    HANDSHAKE,
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MODERN,
    SERVER_INFO,
    SUPPORTED,
    UNNAMED,
    Client,
    RpcError,
    client_name,
    is_modern_request,
    modern_client,
    repeated_routing_header,
)
from gateway.mcp.requests import CallRequest
from gateway.mcp.results import refusal, stamped
from gateway.mcp.running import RunningCall, RunningCalls
from gateway.mcp.sessions import session_client, session_token

log = logging.getLogger(__name__)

PATH = re.compile(r"/tool-packs/([^/]+)/registered-users/([^/]+)/mcp/?")
_MOST_IN_A_BATCH = 20
_BATCHES = "2025-03-26"
_CAPABILITIES = {"tools": {"listChanged": True}}
_CHALLENGE = [(b"www-authenticate", b'Bearer realm="toolcrib", error="invalid_token"')]


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
        self._crib = crib
        self._listeners = listeners
        self._running = running
        self._most_bytes = most_bytes

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, pack: str, user: str
    ) -> None:
        try:
            headers = header_map(scope)
            check_host_and_origin(headers)
            serve = {"POST": self._post, "GET": self._get, "DELETE": self._delete}.get(
                scope["method"]
            )
            if serve is None:
                raise HttpError(
                    405,
                    "method_not_allowed",
                    "Use POST.",
                    [(b"allow", b"POST, GET, DELETE")],
                )
            door = Door(token=_bearer(headers), pack=pack, registered_user=user)
            visit = self._access.recall(door) or await self._access.enter(door)
            await serve(_Call(scope, receive, send, headers, door, visit))
        except (TokenInvalid, KeyNotAllowed, NotHere, DatabaseAway) as exc:
            refused = _at_the_door(exc)
            await send_json(send, refused.status, refused.body, refused.headers)
        except HttpError as exc:
            await send_json(send, exc.status, exc.body, exc.headers)
        except Gone:
            return

    # --- GET and DELETE: the handshake eras' streams -----------------------------------------------------------------

    async def _get(self, call: "_Call") -> None:
        if not _accepts(call.headers, "text/event-stream"):
            raise HttpError(
                406, "not_acceptable", "A GET opens a stream: accept text/event-stream."
            )
        client = call.session()
        call.visit = await self._access.enter(call.door)
        digest = await list_digest(call.visit.pack)
        listener = Listener(call.door, call.visit, digest, nonce=client.nonce)
        await self._listeners.serve(listener, call.receive, call.send, first=None)

    async def _delete(self, call: "_Call") -> None:
        call.visit = await self._access.enter(call.door)
        client = call.session()
        if client.nonce:
            await asyncio.to_thread(bus.publish, ENDED_TOPIC, {"nonce": client.nonce})
        await send_json(call.send, 204, b"")

    # --- POST --------------------------------------------------------------------------------------------------------

    async def _post(self, call: "_Call") -> None:
        _check_media_types(call.headers)
        body = await read_body(call.receive, most=self._most_bytes)
        try:
            message = parsed(body)
        except RpcError as exc:
            await send_json(call.send, 400, error_response(None, exc))
            return
        if isinstance(message, list):
            await self._post_batch(call, message, len(body))
        else:
            await self._post_one(call, message, len(body))

    async def _post_one(self, call: "_Call", message: Any, size: int) -> None:
        try:
            method, request_id = read(message)
        except RpcError as exc:
            refused = error_response(readable_id(message), exc)
            await send_json(call.send, 400, refused)
            return
        if method is None:  # a response; we never ask on this transport
            await send_json(call.send, 202, b"")
            return
        params = message.get("params")
        is_modern = is_modern_request(
            call.headers.get("mcp-protocol-version"), meta_of(params)
        )
        if request_id is None:
            await self._notified(call, method, params, is_modern=is_modern)
            return
        try:
            if params is not None and not isinstance(params, dict):
                raise RpcError(INVALID_PARAMS, "params must be an object.")
            client = call.modern(method, params) if is_modern else call.session(method)
            await self._requested(call, client, request_id, method, params or {}, size)
        except RpcError as exc:
            await send_json(
                call.send,
                exc.status if is_modern else 200,
                error_response(request_id, exc),
            )

    async def _notified(
        self, call: "_Call", method: str, params: Any, *, is_modern: bool
    ) -> None:
        call.visit = await self._access.enter(call.door)
        if not is_modern:
            await self._heard(call.session(), method, params)
        await send_json(call.send, 202, b"")

    async def _heard(self, client: Client, method: str, params: Any) -> None:
        if method == "notifications/cancelled" and isinstance(params, dict):
            await self._running.cancel(client.nonce, params.get("requestId"))

    async def _requested(
        self,
        call: "_Call",
        client: Client,
        request_id: str | int,
        method: str,
        params: dict[str, Any],
        size: int,
    ) -> None:
        if method == "tools/call":  # asks for itself what is true now
            await self._call_tool(call, client, request_id, params, size)
            return
        call.visit = await self._access.enter(call.door)
        match method:
            case "subscriptions/listen" if client.is_modern:
                await self._listen(call, request_id, params)
            case "initialize" if not client.is_modern:
                result, headers = _initialized(params, call.visit)
                await call.reply(response(request_id, orjson.dumps(result)), headers)
            case _:
                await call.reply(
                    response(
                        request_id, await _simple(method, params, client, call.visit)
                    )
                )

    async def _listen(
        self, call: "_Call", request_id: str | int, params: dict[str, Any]
    ) -> None:
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
            call.door,
            call.visit,
            await list_digest(call.visit.pack),
            subscription=request_id,
            hears_of_tools=bool(granted),
        )
        first = listener.notification(
            "notifications/subscriptions/acknowledged", notifications=granted
        )
        await self._listeners.serve(listener, call.receive, call.send, first=first)

    async def _post_batch(self, call: "_Call", messages: list[Any], size: int) -> None:
        call.visit = await self._access.enter(call.door)
        client = call.session()
        if client.version != _BATCHES or not 0 < len(messages) <= _MOST_IN_A_BATCH:
            refused = RpcError(
                INVALID_REQUEST,
                f"Only {_BATCHES} has batches, of 1 to {_MOST_IN_A_BATCH} messages.",
            )
            await send_json(call.send, 400, error_response(None, refused))
            return
        answers = await asyncio.gather(
            *(self._batched(call, client, message, size) for message in messages)
        )
        sent = [answer for answer in answers if answer is not None]
        await (
            call.reply(b"[" + b",".join(sent) + b"]")
            if sent
            else send_json(call.send, 202, b"")
        )

    async def _batched(
        self, call: "_Call", client: Client, message: Any, size: int
    ) -> bytes | None:
        request_id = readable_id(message)
        try:
            method, _ = read(message)
            if method is None:
                return None
            params = message.get("params") or {}
            if request_id is None:
                await self._heard(client, method, params)
                return None
            if not isinstance(params, dict) or method == "initialize":
                raise RpcError(
                    INVALID_REQUEST, "This message may not stand in a batch."
                )
            if method != "tools/call":
                return response(
                    request_id, await _simple(method, params, client, call.visit)
                )
            return await self._call_batched(call, client, request_id, params, size)
        except RpcError as exc:
            return error_response(request_id, exc)

    async def _call_batched(
        self,
        call: "_Call",
        client: Client,
        request_id: str | int,
        params: dict[str, Any],
        size: int,
    ) -> bytes | None:
        running = RunningCall()
        self._running.add(client.nonce, request_id, running)
        try:
            return await self._called(
                self._request(call, client, params, running, size), request_id
            )
        except asyncio.CancelledError:
            if not running.is_cancelled:
                raise
            running.survived()
            return None
        finally:
            self._running.remove(client.nonce, request_id, running)

    # --- tools/call --------------------------------------------------------------------------------------------------

    async def _call_tool(
        self,
        call: "_Call",
        client: Client,
        request_id: str | int,
        params: dict[str, Any],
        size: int,
    ) -> None:
        token = (meta_of(params) or {}).get("progressToken")
        exchange = Exchange(
            call.receive,
            call.send,
            progress_token=token if isinstance(token, str | int) else None,
            may_stream=_accepts(call.headers, "text/event-stream"),
            may_be_json=_accepts(call.headers, "application/json"),
            leaving_cancels=client.is_modern,
        )
        self._running.add(client.nonce, request_id, exchange)
        try:
            answer = await self._called(
                self._request(call, client, params, exchange, size), request_id
            )
            await exchange.answer(200, answer)
        except RpcError as exc:
            await exchange.answer(
                exc.status if client.is_modern else 200, error_response(request_id, exc)
            )
        except (TokenInvalid, KeyNotAllowed, NotHere) as exc:
            told = response(request_id, orjson.dumps(refusal(exc, client)))
            await exchange.refuse(_at_the_door(exc), told)
        except asyncio.CancelledError:
            if not exchange.is_cancelled:
                raise
            exchange.survived()
            await exchange.end()
        finally:
            self._running.remove(client.nonce, request_id, exchange)
            exchange.close()

    def _request(
        self,
        call: "_Call",
        client: Client,
        params: dict[str, Any],
        running: RunningCall,
        size: int,
    ) -> CallRequest:
        name, arguments = params.get("name"), params.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise RpcError(
                INVALID_PARAMS,
                "tools/call needs a name, and arguments that are an object.",
            )
        responses = params.get("inputResponses") if client.is_modern else None
        if not isinstance(responses, dict | None) or not all(
            isinstance(response, dict) for response in (responses or {}).values()
        ):
            raise RpcError(
                INVALID_PARAMS, "inputResponses must be an object of objects."
            )
        return CallRequest(
            access=self._access,
            door=call.door,
            visit=call.visit,
            client=client,
            name=name,
            arguments=arguments or {},
            headers=call.headers,
            input_responses=responses,
            request_state=params.get("requestState") if client.is_modern else None,
            running=running,
            on_progress=running.progress
            if isinstance(running, Exchange) and running.wants_progress
            else None,
            argument_bytes=size,
        )

    async def _called(self, request: CallRequest, request_id: str | int) -> bytes:
        """The JSON-RPC response of a call; what stopped it becomes a result that a model can act on."""
        try:
            return response(request_id, await call_tool(request, self._crib))
        except (TokenInvalid, KeyNotAllowed, NotHere, RpcError):
            raise
        except GatewayError as exc:
            return response(request_id, orjson.dumps(refusal(exc, request.client)))
        except Exception as exc:
            log.exception("call failed inside the gateway")
            raise RpcError(
                INTERNAL_ERROR,
                "The gateway failed. Its operator finds the cause in its log.",
            ) from exc


class _Call:
    """One HTTP request, and who makes it."""

    __slots__ = ("door", "headers", "receive", "scope", "send", "visit")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        door: Door,
        visit: Visit,
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers = headers
        self.door = door
        self.visit = visit

    def session(self, method: str = "") -> Client:
        """The client that shook hands, or one that can do nothing special.

        Raises:
            HttpError: 404, the session token is not this caller's; 400, the revision is not supported.
        """
        named = self.headers.get("mcp-protocol-version")
        if named is not None and named not in HANDSHAKE:
            supported = ", ".join(SUPPORTED)
            raise HttpError(
                400,
                "unsupported_version",
                f"MCP-Protocol-Version must be one of {supported}.",
            )
        token = self.headers.get("mcp-session-id")
        if token is None or method == "initialize":
            return Client(version=named or UNNAMED)
        client = session_client(token, profile_id=self.visit.caller.profile_id)
        if client is None:
            raise HttpError(
                404, "session_not_found", "This session is not known. Initialize again."
            )
        return client

    def modern(self, method: str, params: Any) -> Client:
        if (name := repeated_routing_header(self.scope["headers"])) is not None:
            raise RpcError(HEADER_MISMATCH, f"The {name} header stands more than once.")
        return modern_client(method, params, self.headers)

    async def reply(
        self, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        await send_json(self.send, 200, body, headers or ())


def _at_the_door(error: GatewayError) -> HttpError:
    """How what `Access` raises leaves: before JSON-RPC, with an HTTP status."""
    match error:
        case TokenInvalid():
            return HttpError(401, error.code, error.message, _CHALLENGE)
        case KeyNotAllowed():
            return HttpError(403, error.code, error.message)
        case NotHere():
            return HttpError(404, error.code, error.message)
        case _:
            return HttpError(503, error.code, error.message, [(b"retry-after", b"2")])


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise HttpError(
            401,
            "invalid_token",
            "Send an API key as Authorization: Bearer.",
            _CHALLENGE,
        )
    return token.strip()


def _accepts(headers: Mapping[str, str], media_type: str) -> bool:
    accept = headers.get("accept")
    if accept is None:
        return media_type == "application/json"
    return (
        media_type in accept
        or "*/*" in accept
        or f"{media_type.partition('/')[0]}/*" in accept
    )


def _check_media_types(headers: Mapping[str, str]) -> None:
    if (
        headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/json"
    ):
        raise HttpError(
            415, "unsupported_media_type", "Send Content-Type: application/json."
        )
    if not (
        _accepts(headers, "application/json") or _accepts(headers, "text/event-stream")
    ):
        raise HttpError(
            406, "not_acceptable", "Accept application/json and text/event-stream."
        )


async def _simple(
    method: str, params: Mapping[str, Any], client: Client, visit: Visit
) -> bytes:
    """The result of a method that neither calls nor streams, as JSON."""
    match method:
        case "tools/list":
            if params.get("cursor") is not None:
                raise RpcError(
                    INVALID_PARAMS, "There is no such cursor: the list has one page."
                )
            return await tools_list(visit.pack, client)
        case "server/discover" if client.is_modern:
            described = {
                "supportedVersions": list(MODERN),
                "capabilities": _CAPABILITIES,
            }
            return orjson.dumps(
                stamped({**described, "ttlMs": 0, "cacheScope": "private"}, client)
            )
        case "ping" if not client.is_modern:
            return b"{}"
        case _:
            raise RpcError(
                METHOD_NOT_FOUND,
                "This method is not offered here.",
                {"method": method[:100]},
            )


def _initialized(
    params: Mapping[str, Any], visit: Visit
) -> tuple[dict[str, Any], list[tuple[bytes, bytes]]]:
    """The result of `initialize`, and the header with the session token."""
    wanted = params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise RpcError(INVALID_PARAMS, "initialize needs a protocolVersion.")
    version = wanted if wanted in HANDSHAKE else HANDSHAKE[-1]
    token = session_token(
        version=version,
        name=client_name(params.get("clientInfo")),
        capabilities=params.get("capabilities"),
        profile_id=visit.caller.profile_id,
    )
    result = {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": SERVER_INFO,
    }
    return result, [(b"mcp-session-id", token.encode())]
