"""The installation's own proxy: the way out to public addresses, asked for a tunnel to exactly the judged address.

The proxy is never told a name, so it resolves none: what was judged here is what it connects to. A tunnel (CONNECT) serves
https and http alike, since a proxy that forwards http must replace the Host of a request by the address that it is given.
Addresses that an operator allowed are inside, and are reached directly: seen from the proxy they would be other machines.
"""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_LONGEST_HEAD = 16_384


class TunnelRefused(ConnectionError):
    """The proxy opens no tunnel. A fault of the installation or of the way there; nothing was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """Where the proxy listens, and what it wants to see of us."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    def tunnel_request(self, address: str, port: int) -> bytes:
        target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()


_chosen: Proxy | None = None


def use_proxy(url: str) -> None:
    """From now on let every client of this process go through `http://user:password@host:port`, "" for none."""
    global _chosen
    _chosen = _proxy_at(url) if url else None


def chosen_proxy() -> Proxy | None:
    return _chosen


def _proxy_at(url: str) -> Proxy:
    parts = urlsplit(url)
    authorization = ""
    if parts.username is not None:
        known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(known.encode()).decode()}"
    return Proxy(
        host=parts.hostname or "", port=parts.port or 80, authorization=authorization
    )


async def read_tunnel_answer(receive: Callable[[], Awaitable[bytes]]) -> None:
    """Read the proxy's answer to a `tunnel_request`, after which the tunnel is open.

    Raises:
        TunnelRefused: it is not.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = await receive()
        if not chunk or len(head) > _LONGEST_HEAD:
            raise TunnelRefused(0, "the proxy broke off")
        head += chunk
    if not head.endswith(b"\r\n\r\n"):
        raise TunnelRefused(0, "the proxy spoke before its tunnel was used")
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"HTTP/1.") or rest[:1] != b"2":
        status = rest[:3].decode("ascii", "replace") if rest[:3].isdigit() else "none"
        raise TunnelRefused(0, f"the proxy opens no tunnel: HTTP status {status}")
