"""What an HTTP API answered, as the result of a tool: JSON, text, images, sounds and files, or what went wrong."""

import asyncio
import base64
import hashlib
from typing import Any

import aiohttp
import orjson

from toolsets.adapters.calling import Answer
from toolsets.adapters.http.failures import failure_text
from toolsets.adapters.http.media import MediaType, media_type_of
from toolsets.adapters.sending import read_body, read_some

_MOST_OF_A_FAILURE = 65_536
_LARGE = 262_144
"""From here on, reading a body is done beside the event loop."""

_DEEPEST = 200
"""How deep a structure may be nested to be passed on as such: more cannot be written again."""


async def answer_of(response: aiohttp.ClientResponse, limit: int) -> Answer:
    """The result that a response stands for.

    Raises:
        ResultTooLarge: its body passes `limit` bytes.
        UpstreamLost: the connection broke on the way.
    """
    media_type = media_type_of(response.headers.get("Content-Type", ""))
    if not 200 <= response.status < 300:
        body = await _beginning(response, min(limit, _MOST_OF_A_FAILURE))
        text = failure_text(response.status, response.headers, media_type, body)
        result = {"content": [_text(text)], "isError": True}
        return Answer(result=result, size=len(body), status=response.status)
    body = b"" if response.method == "HEAD" else await read_body(response, limit)
    if not body:
        said = f"HTTP status {response.status}: done, and the answer has no content."
        result = {"content": [_text(said)]}
        return Answer(result=result, size=0, status=response.status)
    if len(body) > _LARGE:
        result = await asyncio.to_thread(_result, body, media_type)
    else:
        result = _result(body, media_type)
    return Answer(result=result, size=len(body), status=response.status)


async def _beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = b""
    while len(body) < most and (chunk := await read_some(response)):
        body += chunk
    return body[:most]


def _result(body: bytes, media_type: MediaType) -> dict[str, Any]:
    if media_type.is_json:
        return _json_result(body, media_type)
    if media_type.is_text or (media_type.is_unknown and _is_utf8(body)):
        return {"content": [_text(media_type.decoded(body))]}
    return {"content": [_binary(body, media_type)]}


def _json_result(body: bytes, media_type: MediaType) -> dict[str, Any]:
    """The text as it came, and beside it the value where it is an object."""
    text = media_type.decoded(body)
    result: dict[str, Any] = {"content": [_text(text)]}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return result
    may_be_deep = text.count("{") + text.count("[") > _DEEPEST
    if isinstance(value, dict) and not (may_be_deep and _is_deep(value)):
        result["structuredContent"] = value
    return result


def _is_deep(value: Any) -> bool:
    """Whether objects and arrays are nested deeper than can be passed on."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for held in level
            for inner in (held.values() if isinstance(held, dict) else held)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _binary(body: bytes, media_type: MediaType) -> dict[str, Any]:
    data = base64.b64encode(body).decode()
    if media_type.kind in {"image", "audio"}:
        return {"type": media_type.kind, "data": data, "mimeType": media_type.name}
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode()
    resource = {
        "uri": f"ni:///sha-256;{digest.rstrip('=')}",  # RFC 6920: named by its content
        "mimeType": media_type.name,
        "blob": data,
    }
    return {"type": "resource", "resource": resource}


def _is_utf8(body: bytes) -> bool:
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False
