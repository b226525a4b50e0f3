"""The judgement of every outbound connection: a name is resolved once, and only to what may be connected to."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.errors import Refused
from gateway.network.addresses import Address, is_in, is_public, unmapped

_lookups = ThreadPoolExecutor(max_workers=64, thread_name_prefix="lookup")
"""Threads of their own: a name server that never answers holds up nothing else, and no loop waits for it to close."""

_KEEPALIVE = [
    (getattr(socket, option), value)
    for option, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 4),
    )
    if hasattr(socket, option)
]
"""Who is gone without a word is noticed after two minutes, where the system can be told so."""


class AddressRefused(Refused):
    """The name or address leads somewhere that Toolcrib may not connect to."""

    code = "address_refused"


class Guard:
    """Judges addresses: public ones are allowed, and those of `networks`, each as "10.0.0.0/8"."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def check(self, host: str) -> None:
        """Judge one literal address.

        Raises:
            AddressRefused: it is private or special, and no allowed network holds it.
        """
        if not is_public(_parsed(host)) and not self.is_inside(host):
            raise AddressRefused(
                f"Connecting to {host} is not allowed: it is a private or special address. "
                "An operator can allow its network for the tool set, or for all in UPSTREAM_NETWORKS."
            )

    def is_inside(self, address: str) -> bool:
        """Whether this literal address is in one of the networks that an operator allowed."""
        return is_in(_parsed(address), self._networks)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`, asked for once; it is refused as a whole where one of them is.

        Raises:
            OSError: it has no address.
            AddressRefused: as `check`.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(_lookups, _lookup, host, port)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self.check(address)
        return addresses

    def socket(self, address: Any) -> socket.socket:
        """A socket for an address that may be connected to, as aiohttp wants it made. Raises as `check`."""
        family, kind, protocol, _, sockaddr = address
        self.check(str(sockaddr[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
        return made


def _lookup(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    except ValueError as exc:
        raise OSError(f"{host!r} is no name") from exc


def _parsed(address: str) -> Address:
    return unmapped(ipaddress.ip_address(address.partition("%")[0]))
