"""JSON-RPC as upstreams are sent it, and as their answers are read."""

from collections.abc import Mapping
from typing import Any

import orjson

from toolsets.adapters.calling import (
    ToolRequest,
    UpstreamAnsweredError,
    UpstreamMisbehaved,
)

MODERN_VERSION = "2026-07-28"
HANDSHAKE_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
IDENTITY = {"name": "toolcrib", "version": "0.1.0"}

NEGOTIATION_ID = 1
"""The request id of `server/discover` and `initialize`; those of calls follow."""

METHOD_NOT_FOUND = -32601
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

_LONGEST_ERROR_TEXT = 2000

Message = dict[str, Any]


def request_body(request_id: int, method: str, params: Mapping[str, Any]) -> bytes:
    return orjson.dumps(
        {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    )


def initialize_body() -> bytes:
    """The handshake, in which we declare no capability."""
    return request_body(
        NEGOTIATION_ID,
        "initialize",
        {
            "protocolVersion": HANDSHAKE_VERSIONS[0],
            "capabilities": {},
            "clientInfo": IDENTITY,
        },
    )


def negotiated_version(result: Message) -> str:
    """The revision that the upstream chose in its answer to `initialize`.

    Raises:
        UpstreamMisbehaved: we do not speak it.
    """
    version = result.get("protocolVersion")
    if version not in HANDSHAKE_VERSIONS:
        raise UpstreamMisbehaved(
            "The upstream chose a protocol version that Toolcrib does not speak."
        )
    return str(version)


def notification_body(method: str, params: Mapping[str, Any] | None = None) -> bytes:
    message: Message = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    return orjson.dumps(message)


def cancellation_body(request_id: int) -> bytes:
    return notification_body(
        "notifications/cancelled",
        {"requestId": request_id, "reason": "The caller no longer waits."},
    )


def is_question(message: Message) -> bool:
    """Whether it is a request, to which an answer is due."""
    return "method" in message and isinstance(message.get("id"), str | int)


def reply_body(message: Message) -> bytes:
    """Our answer to what a handshake-era upstream asks: a ping is answered, anything else we never said we could do."""
    reply: Message = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] == "ping":
        reply["result"] = {}
    else:
        reply["error"] = {"code": METHOD_NOT_FOUND, "message": "Method not found"}
    return orjson.dumps(reply)


def tool_call_body(request_id: int, request: ToolRequest) -> bytes:
    """`tools/call` as the handshake eras send it."""
    params: Message = {"name": request.name, "arguments": request.arguments}
    if request.on_progress is not None:
        params["_meta"] = {"progressToken": request_id}
    return request_body(request_id, "tools/call", params)


def modern_tool_call_body(request_id: int, request: ToolRequest) -> bytes:
    """`tools/call` as 2026-07-28 sends it."""
    meta = modern_meta(request.client_info or IDENTITY, request.capabilities)
    if request.on_progress is not None:
        meta["progressToken"] = request_id
    params: Message = {
        "name": request.name,
        "arguments": request.arguments,
        "_meta": meta,
    }
    if request.input_responses is not None:
        params["inputResponses"] = request.input_responses
    if request.request_state is not None:
        params["requestState"] = request.request_state
    return request_body(request_id, "tools/call", params)


def listen_body(request_id: int) -> bytes:
    """`subscriptions/listen` for changes of the list of tools."""
    params = {
        "notifications": {"toolsListChanged": True},
        "_meta": modern_meta(IDENTITY, {}),
    }
    return request_body(request_id, "subscriptions/listen", params)


def modern_meta(
    client_info: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> Message:
    return {
        "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
        "io.modelcontextprotocol/clientInfo": client_info,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }


def messages_in(data: bytes) -> list[Message]:
    """The messages of one body or event: a single one, or the batch that 2025-03-26 allows.

    Raises:
        UpstreamMisbehaved: it is something else.
    """
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamMisbehaved(
            "The upstream's answer is not valid JSON."
        ) from None  # its text quotes the answer
    if isinstance(parsed, dict):
        return [parsed]
    if isinstance(parsed, list) and all(isinstance(item, dict) for item in parsed):
        return parsed
    raise UpstreamMisbehaved("The upstream's answer is not a JSON-RPC message.")


def answers(message: Message, request_id: int) -> bool:
    return message.get("id") == request_id and "method" not in message


def result_in(message: Message) -> Message:
    """The result of an answer.

    Raises:
        UpstreamAnsweredError: it is an error.
        UpstreamMisbehaved: it is neither.
    """
    if "error" in message:
        raise answered_error(message)
    result = message.get("result")
    if not isinstance(result, dict):
        raise UpstreamMisbehaved("The upstream's answer holds no result object.")
    return result


def answered_error(message: Message) -> UpstreamAnsweredError:
    """The JSON-RPC error that `message` is.

    Raises:
        UpstreamMisbehaved: it is malformed.
    """
    error = message.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        raise UpstreamMisbehaved(
            "The upstream's answer is an error without a JSON-RPC code."
        )
    return UpstreamAnsweredError(
        str(error.get("message", ""))[:_LONGEST_ERROR_TEXT]
        or "The upstream answered with an error.",
        rpc_code=error["code"],
        data=error.get("data"),
    )
