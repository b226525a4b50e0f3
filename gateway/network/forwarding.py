"""The client of the call path, over aiohttp."""

from collections.abc import Iterable

import aiohttp

from gateway.network.guard import Guard


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
    client = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        trust_env=False,
        auto_decompress=True,
        skip_auto_headers=("User-Agent",),
    )
    client._retry_connection = False  # or it would repeat PUT and DELETE by itself
    return client
