"""The client of the call path, over aiohttp."""

import asyncio
import socket
from collections.abc import Iterable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.network.guard import Guard
from gateway.network.proxies import (
    Proxy,
    TunnelRefused,
    chosen_proxy,
    read_tunnel_answer,
)

_CHUNK = 4096


def forwarding_client(
    *, networks: Iterable[str], max_connections: int, connect_seconds: float
) -> aiohttp.ClientSession:
    """The client of the call path. Call it on a running event loop, and close it there."""
    guard = Guard(networks)
    connector = _GuardedConnector(
        guard,
        limit=max_connections,
        resolver=_GuardedResolver(guard),
        ttl_dns_cache=10,
        keepalive_timeout=30,
        socket_factory=guard.socket,
    )
    client = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        trust_env=False,
        auto_decompress=True,
        skip_auto_headers=("User-Agent", "Content-Type"),
    )
    client._retry_connection = False  # or it would repeat PUT and DELETE by itself
    return client


class _GuardedResolver(AbstractResolver):
    """Answers with judged addresses, which the connector keeps for a little while and connects to."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.resolve(host, port)
        ]

    async def close(self) -> None:
        """There is nothing to close."""


class _GuardedConnector(aiohttp.TCPConnector):
    """Makes connections to judged addresses: to public ones through the proxy, where there is one."""

    def __init__(self, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._proxy = chosen_proxy()

    async def _wrap_create_connection(
        self, *args: Any, addr_infos: list[Any], req: Any, timeout: Any, **kwargs: Any
    ) -> Any:
        address, port = addr_infos[0][4][:2]
        if self._proxy is None or not self._needs_proxy(address):
            direct = [i for i in addr_infos if not self._needs_proxy(i[4][0])]
            return await super()._wrap_create_connection(
                *args, addr_infos=direct, req=req, timeout=timeout, **kwargs
            )
        self._guard.check(address)
        try:
            async with asyncio.timeout(timeout.sock_connect):
                tunnel = await _tunnel(self._proxy, address, port)
        except TimeoutError:
            raise
        except OSError as exc:
            raise aiohttp.ClientConnectorError(req.connection_key, exc) from exc
        return await self._wrap_existing_connection(
            *args, req=req, timeout=timeout, sock=tunnel, **kwargs
        )

    def _needs_proxy(self, address: str) -> bool:
        return self._proxy is not None and not self._guard.is_inside(address)


async def _tunnel(proxy: Proxy, address: str, port: int) -> socket.socket:
    """A socket that the proxy has connected to `address`.

    Raises:
        OSError: there is none.
    """
    loop = asyncio.get_running_loop()
    made = await _connected_to(proxy)
    try:
        await loop.sock_sendall(made, proxy.tunnel_request(address, port))
        await read_tunnel_answer(partial(loop.sock_recv, made, _CHUNK))
    except BaseException:
        made.close()
        raise
    return made


async def _connected_to(proxy: Proxy) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    found = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, address)
        except OSError as exc:
            made.close()
            failure = exc
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise TunnelRefused(0, "the proxy accepts no connections") from failure
