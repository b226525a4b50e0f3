"""JSON-RPC messages as they come in, and as they leave."""

from typing import Any

import orjson

from gateway.mcp.protocol import INVALID_REQUEST, PARSE_ERROR, RpcError

_DEEPEST = 200
"""More would come in, but could not be written again: 254 is the most that the JSON writer takes."""


def parsed(body: bytes) -> Any:
    """What the body says.

    Raises:
        RpcError: it is not JSON, or nested too deeply.
    """
    try:
        message = orjson.loads(body)
    except ValueError as exc:
        raise RpcError(PARSE_ERROR, "The body is not JSON.") from exc
    if body.count(b"{") + body.count(b"[") > _DEEPEST and _is_too_deep(message):
        raise RpcError(
            PARSE_ERROR, f"The body is nested more than {_DEEPEST} levels deep."
        )
    return message


def _is_too_deep(message: Any) -> bool:
    level = [message]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def read(message: Any) -> tuple[str | None, str | int | None]:
    """The method and id of a message: no method for a response, no id for a notification.

    Raises:
        RpcError: it is no message.
    """
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "The body must be a JSON-RPC 2.0 message.")
    if "id" in message and readable_id(message) is None:
        raise RpcError(
            INVALID_REQUEST, "The id of a request must be a string or a whole number."
        )
    method = message.get("method")
    if method is None and ("result" in message or "error" in message):
        return None, message.get("id")
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "A request names its method.")
    return method, message.get("id")


def readable_id(message: Any) -> str | int | None:
    """The id of a message, even of one that is not whole; None when it cannot be told."""
    request_id = message.get("id") if isinstance(message, dict) else None
    if isinstance(request_id, str | int) and not isinstance(request_id, bool):
        return request_id
    return None


def meta_of(params: Any) -> dict[str, Any] | None:
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) else None


def response(request_id: str | int, result: bytes) -> bytes:
    """The response that carries `result`, which is JSON already."""
    return (
        b'{"jsonrpc":"2.0","id":'
        + orjson.dumps(request_id)
        + b',"result":'
        + result
        + b"}"
    )


def error_response(request_id: str | int | None, error: RpcError) -> bytes:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": body})
