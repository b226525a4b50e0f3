"""The guarded transport of every client over httpx2."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import httpcore2
import httpx2

from gateway.network.guard import Guard
from gateway.network.proxies import (
    Proxy,
    TunnelRefused,
    chosen_proxy,
    read_tunnel_answer,
)

_CHUNK = 4096


def guarded_transport(networks: Iterable[str]) -> httpx2.AsyncHTTPTransport:
    """Connects only where the guard allows; it knows no cookies, no redirects and nothing of the environment."""
    transport = httpx2.AsyncHTTPTransport(
        trust_env=False, limits=httpx2.Limits(max_connections=20)
    )
    guarded = _GuardedBackend(Guard(networks))
    transport._pool._network_backend = guarded  # httpx2 exposes no argument for it
    return transport


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves once, judges every address, and connects to one that it judged."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._proxy = chosen_proxy()
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
        for address in await self._addresses(host, port):
            try:
                if self._proxy is None or self._guard.is_inside(address):
                    return await self._backend.connect_tcp(address, port, timeout)
                return await self._tunnel(self._proxy, address, port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _tunnel(
        self, proxy: Proxy, address: str, port: int, timeout: float | None
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(proxy.host, proxy.port, timeout)
        try:
            await stream.write(proxy.tunnel_request(address, port), timeout)
            await read_tunnel_answer(partial(stream.read, _CHUNK, timeout))
        except TunnelRefused as exc:
            await stream.aclose()
            raise httpcore2.ConnectError(exc.strerror) from exc
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _addresses(self, host: str, port: int) -> Iterable[str]:
        try:
            return await self._guard.resolve(host, port)
        except OSError as exc:
            raise httpcore2.ConnectError(f"{host} cannot be resolved") from exc

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
