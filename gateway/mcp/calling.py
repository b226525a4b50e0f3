"""`tools/call`: from a JSON-RPC request to the pipeline, and its result or refusal back to whoever asked."""

import asyncio
import logging
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.identity.keys import TokenInvalid
from gateway.mcp.access import Access, KeyNotAllowed, NotHere
from gateway.mcp.calls import Crib, call_tool
from gateway.mcp.door import turned_away
from gateway.mcp.exchange import Exchange
from gateway.mcp.http import accepts
from gateway.mcp.incoming import Incoming
from gateway.mcp.messages import error_response, meta_of, response
from gateway.mcp.protocol import INTERNAL_ERROR, INVALID_PARAMS, Client, RpcError
from gateway.mcp.requests import CallRequest
from gateway.mcp.results import refusal
from gateway.mcp.running import RunningCall, RunningCalls

log = logging.getLogger(__name__)


class Calling:
    """Calls tools for requests to the endpoint. One per event loop."""

    def __init__(self, access: Access, crib: Crib, running: RunningCalls) -> None:
        self._access = access
        self._crib = crib
        self._running = running

    async def answer(
        self,
        incoming: Incoming,
        client: Client,
        request_id: str | int,
        params: dict[str, Any],
        size: int,
    ) -> None:
        """Call the tool and send the response, as a stream once there is something to say before it."""
        token = (meta_of(params) or {}).get("progressToken")
        exchange = Exchange(
            incoming.receive,
            incoming.send,
            progress_token=token if isinstance(token, str | int) else None,
            may_stream=accepts(incoming.headers, "text/event-stream"),
            may_be_json=accepts(incoming.headers, "application/json"),
            leaving_cancels=client.is_modern,
        )
        self._running.add(client.nonce, request_id, exchange)
        try:
            answer = await self._called(
                self._request(incoming, client, params, exchange, size), request_id
            )
            await exchange.answer(200, answer)
        except RpcError as exc:
            await exchange.answer(
                exc.status if client.is_modern else 200, error_response(request_id, exc)
            )
        except (TokenInvalid, KeyNotAllowed, NotHere) as exc:
            told = response(request_id, orjson.dumps(refusal(exc, client)))
            await exchange.refuse(turned_away(exc), told)
        except asyncio.CancelledError:
            if not exchange.is_cancelled:
                raise
            exchange.survived()
            await exchange.end()
        finally:
            self._running.remove(client.nonce, request_id, exchange)
            exchange.close()

    async def in_batch(
        self,
        incoming: Incoming,
        client: Client,
        request_id: str | int,
        params: dict[str, Any],
        size: int,
    ) -> bytes | None:
        """Call the tool and return the response; None when its caller cancelled it. Raises RpcError."""
        running = RunningCall()
        self._running.add(client.nonce, request_id, running)
        try:
            return await self._called(
                self._request(incoming, client, params, running, size), request_id
            )
        except asyncio.CancelledError:
            if not running.is_cancelled:
                raise
            running.survived()
            return None
        finally:
            self._running.remove(client.nonce, request_id, running)

    def _request(
        self,
        incoming: Incoming,
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
            door=incoming.door,
            visit=incoming.visit,
            client=client,
            name=name,
            arguments=arguments or {},
            headers=incoming.headers,
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
