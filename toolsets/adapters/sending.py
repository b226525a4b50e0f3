"""One HTTP request to an upstream, and what its failures mean for a call.

A request that found no connection was not sent; one that lost its connection may have been executed.
"""

import io
from collections.abc import Mapping

import aiohttp
from yarl import URL

from toolsets.adapters.calling import (
    ResultTooLarge,
    UpstreamLost,
    UpstreamMisbehaved,
    UpstreamUnreachable,
)

_LARGE_BODY = 524_288


def http_url(text: str, *, encoded: bool = False) -> URL:
    """An address that requests can be sent to; `encoded` when nothing in it may be touched.

    Raises:
        UpstreamUnreachable: it is none.
    """
    try:
        url = URL(text, encoded=encoded)
        is_http = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_http = False
    if not is_http:
        raise UpstreamUnreachable("The address of the upstream is not an HTTP URL.")
    return url


async def send_over(
    client: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> aiohttp.ClientResponse:
    """Send one request, which no redirect leads elsewhere; the caller closes the response, or reads it to its end.

    Raises:
        UpstreamUnreachable: nothing was sent.
        UpstreamLost: the connection broke before an answer came.
        UpstreamMisbehaved: the answer was not HTTP.
        AddressRefused: the guard does not let us connect there.
    """
    try:
        return await client.request(
            method,
            url,
            data=_payload(body),
            headers=headers,
            skip_auto_headers=("Content-Type",),
            allow_redirects=False,
        )
    except aiohttp.ClientConnectorDNSError as exc:
        raise UpstreamUnreachable("The upstream's name has no address.") from exc
    except aiohttp.ClientSSLError as exc:
        raise UpstreamUnreachable(
            "The upstream's TLS certificate or handshake was not accepted."
        ) from exc
    except aiohttp.ClientConnectorError as exc:
        raise UpstreamUnreachable(
            f"The upstream does not accept connections ({exc.os_error.strerror})."
        ) from exc
    except aiohttp.ServerTimeoutError as exc:
        raise UpstreamUnreachable(
            "The upstream did not accept a connection in time."
        ) from exc
    except aiohttp.ClientConnectionError as exc:
        raise UpstreamLost(
            "The upstream closed the connection before it answered; "
            "it may have executed the call."
        ) from exc
    except aiohttp.ClientResponseError:
        raise UpstreamMisbehaved("The upstream's answer is not valid HTTP.") from None
    except (aiohttp.InvalidURL, ValueError):
        raise UpstreamUnreachable(
            "The upstream's address or headers cannot be sent over HTTP."
        ) from None


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes out piece by piece, so that it holds up nothing else."""
    return io.BytesIO(body) if body and len(body) > _LARGE_BODY else body


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole decompressed body.

    Raises:
        ResultTooLarge: it passed `limit` bytes.
        UpstreamLost: the connection broke on the way.
    """
    if (response.content_length or 0) > limit:
        raise _too_large(limit)
    body = await read_some(response)
    if len(body) <= limit and response.content.at_eof():
        return body
    chunks, size = [body], len(body)
    while size <= limit and (chunk := await read_some(response)):
        chunks.append(chunk)
        size += len(chunk)
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


async def read_some(response: aiohttp.ClientResponse) -> bytes:
    """The next bytes of the body, empty at its end.

    Raises:
        UpstreamLost: the connection broke.
    """
    try:
        return await response.content.readany()
    except (aiohttp.ClientError, OSError) as exc:
        raise UpstreamLost(
            "The upstream's answer broke off; it may have executed the call."
        ) from exc


def _too_large(limit: int) -> ResultTooLarge:
    return ResultTooLarge(
        f"The upstream's answer is larger than the {limit} bytes that are allowed."
    )
