"""Fetches one document: the whole of it or none, within a time and a size, wherever its redirects lead.

FetchFailed (fetch_failed)         there is no document: no connection, or no HTTP
├── FetchTimedOut (fetch_timed_out)
└── FetchAnswered (fetch_answered) the server answered with another status than 200
AddressRefused, RedirectRefused, ResponseTooLarge
"""

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import anyio
import httpx2

from gateway.errors import GatewayError
from gateway.network.bounds import RedirectRefused, ResponseTooLarge, shown
from gateway.network.transport import guarded_transport

_MOST_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "transfer-encoding"}
)
_GZIP = 31


class FetchFailed(GatewayError):
    """There is no document."""

    code = "fetch_failed"


class FetchTimedOut(FetchFailed):
    """The document did not arrive in time."""

    code = "fetch_timed_out"


class FetchAnswered(FetchFailed):
    """The server answered with another status than 200."""

    code = "fetch_answered"

    def __init__(self, status: int) -> None:
        super().__init__(f"The server answered with HTTP status {status}.")
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A document, decompressed, and where it was found in the end."""

    body: bytes
    content_type: str
    final_url: str


def fetch(
    url: str,
    *,
    headers: Mapping[str, str],
    networks: Iterable[str],
    timeout_seconds: float,
    max_bytes: int,
) -> Fetched:
    """Fetch the document at `url`. Blocks, on an event loop of its own.

    `headers` are sent to the origin of `url` only: a redirect to another loses them for good.

    Raises:
        FetchFailed: in one of its kinds.
        AddressRefused, RedirectRefused, ResponseTooLarge: it could be had, but not by us.
    """
    return asyncio.run(
        _fetch_within_the_time(
            _parsed(url), headers, networks, timeout_seconds, max_bytes
        )
    )


async def _fetch_within_the_time(
    url: httpx2.URL,
    headers: Mapping[str, str],
    networks: Iterable[str],
    seconds: float,
    max_bytes: int,
) -> Fetched:
    try:
        with anyio.fail_after(seconds):
            async with guarded_transport(networks) as transport:
                return await _follow(transport, url, _own(headers), max_bytes)
    except TimeoutError as exc:
        raise FetchTimedOut(
            f"The document did not arrive within {seconds:g} seconds."
        ) from exc
    except httpx2.TimeoutException as exc:
        raise FetchFailed("The server did not accept a connection in time.") from exc
    except httpx2.ConnectError as exc:
        raise FetchFailed(f"There is no connection to the server: {exc}") from exc
    except (httpx2.HTTPError, httpx2.StreamError) as exc:
        raise FetchFailed(
            "The server broke off, or its answer is not valid HTTP."
        ) from exc


async def _follow(
    transport: httpx2.AsyncHTTPTransport,
    url: httpx2.URL,
    headers: Mapping[str, str],
    max_bytes: int,
) -> Fetched:
    for _ in range(_MOST_REDIRECTS + 1):
        request = httpx2.Request(
            "GET",
            url,
            headers={**headers, "Accept-Encoding": "gzip", "Connection": "close"},
            extensions={"timeout": {"connect": _CONNECT_SECONDS}},
        )
        response = await transport.handle_async_request(request)
        try:
            if not response.has_redirect_location:
                return await _read(response, url, max_bytes)
            target = _redirected(url, response.headers["location"])
        finally:
            await response.aclose()
        if _origin(target) != _origin(url):
            headers = {}
        url = target
    raise RedirectRefused(f"The server redirects more than {_MOST_REDIRECTS} times.")


async def _read(response: httpx2.Response, url: httpx2.URL, max_bytes: int) -> Fetched:
    if response.status_code != 200:
        raise FetchAnswered(response.status_code)
    body = _Body(response.headers.get("content-encoding", ""), max_bytes)
    async for chunk in response.aiter_raw():
        body.feed(chunk)
    return Fetched(
        body=body.ended(),
        content_type=response.headers.get("content-type", ""),
        final_url=str(url),
    )


class _Body:
    """A body as it arrives, decompressed no further than it may grow."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip"}:
            raise FetchFailed(
                "The server compressed the document in a way it was not asked for."
            )
        is_plain = encoding in {"", "identity"}
        self._decoder = None if is_plain else zlib.decompressobj(_GZIP)
        self._max = max_bytes
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        if self._decoder is not None:
            if self._decoder.eof:
                raise FetchFailed("The document goes on after its end.")
            room = self._max - len(self._body) + 1
            try:
                chunk = self._decoder.decompress(chunk, room)
            except zlib.error as exc:
                raise FetchFailed(
                    "The document is not compressed as the server says."
                ) from exc
        self._body += chunk
        if len(self._body) > self._max:
            raise ResponseTooLarge(
                f"The document is larger than {self._max // 1024**2} MiB."
            )

    def ended(self) -> bytes:
        if self._decoder is not None and self._body and not self._decoder.eof:
            raise FetchFailed("The document broke off.")
        return bytes(self._body)


def _own(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {n: value for n, value in headers.items() if n.lower() not in _OURS}


def _redirected(url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        target = _without_fragment(url.join(location))
    except (httpx2.InvalidURL, ValueError) as exc:
        raise RedirectRefused("The server redirects to what is no address.") from exc
    if not _is_plain(target):
        raise RedirectRefused(
            f"The server redirects to {shown(location)}, which is no plain HTTP address."
        )
    if url.scheme == "https" and target.scheme == "http":
        raise RedirectRefused(
            f"The server redirects to {shown(location)}, from https to http."
        )
    return target


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = _without_fragment(httpx2.URL(url))
    except (httpx2.InvalidURL, ValueError, TypeError) as exc:
        raise FetchFailed("The address of the document is no URL.") from exc
    if not _is_plain(parsed):
        raise FetchFailed(
            "The address of the document must start with http:// or https://, without a user name."
        )
    return parsed


def _is_plain(url: httpx2.URL) -> bool:
    return (
        url.scheme in {"http", "https"}
        and bool(url.host)
        and not url.userinfo
        and (url.port or 0) < 65536
    )


def _without_fragment(url: httpx2.URL) -> httpx2.URL:
    return url.copy_with(fragment=None)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default
