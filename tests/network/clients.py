"""Every way in which Toolcrib speaks HTTP to an upstream, each as one function that says what became of it."""

from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.network import fetch
from tests.toolsets.adapters.forwarding import MODERN, call, target
from toolsets.adapters.calling import LEGACY_SSE
from toolsets.adapters.listing import Source
from toolsets.adapters.mcp.listing import list_tools

Reach = Callable[..., str]


def call_modern(url: str, networks: tuple[str, ...] = (), *, seconds: float = 5) -> str:
    def reach() -> None:
        call(target(url, protocol_version=MODERN, networks=networks), seconds=seconds)

    return outcome(reach)


def call_legacy(url: str, networks: tuple[str, ...] = (), *, seconds: float = 5) -> str:
    def reach() -> None:
        call(target(url, transport=LEGACY_SSE, networks=networks), seconds=seconds)

    return outcome(reach)


def list_mcp(url: str, networks: tuple[str, ...] = (), *, seconds: float = 5) -> str:
    def reach() -> None:
        source = Source(
            adapter_type="mcp",
            adapter={"url": url},
            headers={},
            networks=networks,
            timeout_seconds=seconds,
            max_tools=100,
        )
        list_tools(source, lambda _: None)

    return outcome(reach)


def fetch_document(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 5
) -> str:
    def reach() -> None:
        fetch(
            url, headers={}, networks=networks, timeout_seconds=seconds, max_bytes=1_000
        )

    return outcome(reach)


def outcome(reach: Callable[[], None]) -> str:
    """The code of the error, or "reached"."""
    try:
        reach()
    except GatewayError as exc:
        return exc.code
    return "reached"


CLIENTS: list[Reach] = [call_modern, call_legacy, list_mcp, fetch_document]
