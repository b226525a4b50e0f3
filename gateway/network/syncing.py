"""The client inside the SDK's client, which lists the tools of MCP upstreams."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import httpx2

from gateway.errors import GatewayError
from gateway.network.bounds import RedirectRefused, ResponseTooLarge, shown
from gateway.network.transport import guarded_transport


def sync_client(
    *,
    headers: Mapping[str, str],
    networks: Iterable[str],
    timeout_seconds: float,
    connect_seconds: float,
    max_bytes: int,
    on_response: Callable[[httpx2.Response], Awaitable[None]],
) -> httpx2.AsyncClient:
    """The client inside the SDK's client, which syncs tool sets. `max_bytes` bounds all its responses together."""
    transport = guarded_transport(networks)
    return httpx2.AsyncClient(
        headers=dict(headers),
        timeout=httpx2.Timeout(timeout_seconds, connect=connect_seconds, pool=None),
        transport=_BoundedTransport(transport, max_bytes=max_bytes),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [on_response]},
    )


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """Bounds the bytes of all responses together, and lets no compression, redirect or cookie through.

    Since nothing is asked for compressed and nothing compressed is accepted, bytes on the wire are the bytes to parse.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, max_bytes: int) -> None:
        self._inner = inner
        self._left = max_bytes
        self._max = max_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        try:
            self._check_head(response)
        except GatewayError:
            await response.aclose()
            raise
        response.headers.pop("set-cookie", None)
        response.stream = _Metered(response.stream, self._take)
        return response

    def _check_head(self, response: httpx2.Response) -> None:
        if response.has_redirect_location:
            raise RedirectRefused(
                f"The upstream redirects to {shown(response.headers['location'])}, and redirects are not followed. "
                "If that is the right address, use it as the URL."
            )
        encoding = response.headers.get("content-encoding", "identity")
        if encoding.strip().lower() not in {"", "identity"}:
            raise ResponseTooLarge(
                "The upstream compressed its answer although it was asked not to, so its size cannot be bounded."
            )

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ResponseTooLarge(
                f"The upstream sent more than {self._max // 1024**2} MiB."
            )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Metered(httpx2.AsyncByteStream):
    """A response's bytes, each chunk reported before it is passed on."""

    def __init__(self, inner: Any, take: Callable[[int], None]) -> None:
        self._inner = inner
        self._take = take

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._take(len(chunk))
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
