"""The outbound guard: which addresses a client may connect to, and the only builders of HTTP clients.

Names are resolved once, every address is judged at the socket (so IP literals are too), and the connection goes to
exactly the address that was judged. Clients carry no person: no cookie jar, no stored auth, no proxy from the
environment, no redirects.
"""

import ipaddress
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any

import aiohttp
import anyio
import httpcore2
import httpx2

from gateway.errors import GatewayError, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Refused):
    """The name or address leads somewhere that Toolcrib may not connect to."""

    code = "address_refused"


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether a socket may connect to `address`: it is public, or an operator allowed its network."""
    real = embedded_address(address)
    return any(
        real in network for network in networks if network.version == real.version
    ) or (real.is_global and not real.is_multicast)


def embedded_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 one merely wraps (mapped, NAT64, 6to4, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return (
        address.ipv4_mapped
        or address.sixtofour
        or (teredo[1] if teredo else None)
        or address
    )


class Guard:
    """Judges addresses: public ones are allowed, and those of `networks`, each as "10.0.0.0/8"."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def check(self, host: str) -> None:
        """Judge one literal address.

        Raises:
            AddressRefused: it is private or special, and no allowed network holds it.
        """
        if not is_allowed(ipaddress.ip_address(host.partition("%")[0]), self._networks):
            raise AddressRefused(
                f"Connecting to {host} is not allowed: it is a private or special address. "
                "An operator can allow its network for the tool set, or for all in UPSTREAM_NETWORKS."
            )

    def socket(self, address: Any) -> socket.socket:
        """A socket for an address that may be connected to, as aiohttp wants it made. Raises as `check`."""
        family, kind, protocol, _, sockaddr = address
        self.check(str(sockaddr[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


def forwarding_client(
    *, networks: Iterable[str], max_connections: int, connect_seconds: float
) -> aiohttp.ClientSession:
    """The client of the call path. Call it on a running event loop, and close it there."""
    connector = aiohttp.TCPConnector(
        limit=max_connections,
        ttl_dns_cache=10,
        keepalive_timeout=30,
        socket_factory=Guard(networks).socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        trust_env=False,
        auto_decompress=True,
        skip_auto_headers=("User-Agent",),
    )


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves once, judges every address, and connects to the one that it judged."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await _resolve(host, port):
            self._guard.check(address)
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError as exc:
                failure = exc
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


async def _resolve(host: str, port: int) -> Sequence[str]:
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise httpcore2.ConnectError(f"{host} cannot be resolved") from exc
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class ResponseTooLarge(GatewayError):
    """The upstream sent more bytes than one conversation may take."""

    code = "too_large"


class RedirectRefused(GatewayError):
    """The upstream answered with a redirect, which is not followed."""

    code = "redirected"


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
                f"The upstream redirects to {_shown(response.headers['location'])}, and redirects are not followed. "
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


def _shown(location: str) -> str:
    """An address without what may be secret in it."""
    return location.partition("?")[0].partition("#")[0].rpartition("@")[2][:200]


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
    transport = httpx2.AsyncHTTPTransport(
        trust_env=False, limits=httpx2.Limits(max_connections=20)
    )
    guarded = _GuardedBackend(Guard(networks))
    transport._pool._network_backend = guarded  # httpx2 exposes no argument for it
    return httpx2.AsyncClient(
        headers=dict(headers),
        timeout=httpx2.Timeout(timeout_seconds, connect=connect_seconds, pool=None),
        transport=_BoundedTransport(transport, max_bytes=max_bytes),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"response": [on_response]},
    )
