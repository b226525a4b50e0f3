"""The little HTTP that the endpoint needs, straight on ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.http.request import split_domain_port, validate_host

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

_BODY_SECONDS = 30.0
_JSON: Header = (b"content-type", b"application/json")
_STREAM_HEADERS: list[Header] = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class HttpError(Exception):
    """A request that ends before JSON-RPC begins."""

    def __init__(
        self, status: int, code: str, message: str, headers: Iterable[Header] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = list(headers)
        self.body = orjson.dumps({"code": code, "message": message})


class Gone(Exception):
    """The client left before its request was read."""


def header_map(scope: Scope) -> dict[str, str]:
    """Header values by lower-case name, without the white space around them; of repeated ones the last."""
    return {
        name.decode("latin-1"): value.decode("latin-1").strip(" \t")
        for name, value in scope["headers"]
    }


def check_host_and_origin(headers: Mapping[str, str]) -> None:
    """Refuse what a page of another site makes a browser send.

    Raises:
        HttpError: 403.
    """
    if not _is_our_host(headers.get("host", "")):
        raise HttpError(
            403,
            "host_not_allowed",
            "This host name is not served. An operator can add it to ALLOWED_HOSTS.",
        )
    origin = headers.get("origin")
    if origin is not None and not _is_allowed_origin(origin):
        raise HttpError(
            403,
            "origin_not_allowed",
            "Pages of this origin may not call. An operator can add it to ALLOWED_ORIGINS.",
        )


@lru_cache(maxsize=256)
def _is_our_host(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@lru_cache(maxsize=256)
def _is_allowed_origin(origin: str) -> bool:
    if origin in settings.ALLOWED_ORIGINS:
        return True
    try:
        return _is_our_host(urlsplit(origin).netloc)
    except ValueError:  # half an IPv6 address
        return False


def accepts(headers: Mapping[str, str], media_type: str) -> bool:
    """Whether the client takes an answer of this type; who does not say takes JSON."""
    accept = headers.get("accept")
    if accept is None:
        return media_type == "application/json"
    return (
        media_type in accept
        or "*/*" in accept
        or f"{media_type.partition('/')[0]}/*" in accept
    )


def check_media_types(headers: Mapping[str, str]) -> None:
    """What a POST must say of its body, and of the answer it takes.

    Raises:
        HttpError: 415, it is not JSON; 406, it takes neither of what we send.
    """
    if (
        headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/json"
    ):
        raise HttpError(
            415, "unsupported_media_type", "Send Content-Type: application/json."
        )
    if not (
        accepts(headers, "application/json") or accepts(headers, "text/event-stream")
    ):
        raise HttpError(
            406, "not_acceptable", "Accept application/json and text/event-stream."
        )


async def read_body(receive: Receive, *, most: int) -> bytes:
    """The whole body, in bytes.

    Raises:
        HttpError: 413, it is longer than `most`; 408, it does not come.
        Gone: the client left.
    """
    first, has_more = await _part(receive)
    if not has_more and len(first) <= most:
        return first
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await _whole(receive, first, has_more, most)
    except TimeoutError as exc:
        raise HttpError(
            408, "request_timed_out", "The request did not come to its end in time."
        ) from exc


async def _whole(receive: Receive, first: bytes, has_more: bool, most: int) -> bytes:
    parts, size = [first], len(first)
    while has_more and size <= most:
        part, has_more = await _part(receive)
        parts.append(part)
        size += len(part)
    if size > most:
        raise HttpError(
            413, "request_too_large", f"A request may have at most {most} bytes."
        )
    return b"".join(parts)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """The next part of the body, and whether more follow."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message.get("body", b""), bool(message.get("more_body"))


async def send_json(
    send: Send, status: int, body: bytes, headers: Iterable[Header] = ()
) -> None:
    sent = [(b"content-length", b"%d" % len(body)), *headers]
    if body:
        sent.append(_JSON)
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def start_stream(send: Send, headers: Iterable[Header] = ()) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [*_STREAM_HEADERS, *headers],
        }
    )


async def send_event(send: Send, data: bytes) -> None:
    """One server-sent event. JSON never holds a raw line break, so one `data` line is enough."""
    await send(
        {
            "type": "http.response.body",
            "body": b"event: message\ndata: " + data + b"\n\n",
            "more_body": True,
        }
    )


async def send_ping(send: Send) -> None:
    """A comment that keeps the connection from looking idle."""
    await send({"type": "http.response.body", "body": b": ping\n\n", "more_body": True})


async def end_stream(send: Send) -> None:
    await send({"type": "http.response.body", "body": b""})


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
