"""Every way in which Toolcrib speaks HTTP to an upstream, each as one function that says what became of it."""

import json
from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.network import fetch
from tests.toolsets.adapters.forwarding import MODERN, call, target
from toolsets.adapters.calling import LEGACY_SSE, Answer
from toolsets.adapters.listing import Source
from toolsets.adapters.mcp.listing import list_tools
from toolsets.adapters.openapi.listing import list_tools as list_operations

Reach = Callable[..., str]


def call_modern(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 30
) -> str:
    def reach() -> None:
        call(target(url, protocol_version=MODERN, networks=networks), seconds=seconds)

    return outcome(reach)


def call_legacy(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 30
) -> str:
    def reach() -> None:
        call(target(url, transport=LEGACY_SSE, networks=networks), seconds=seconds)

    return outcome(reach)


def call_http(url: str, networks: tuple[str, ...] = (), *, seconds: float = 30) -> str:
    config = json.dumps({"requestMethod": "GET", "path": ""})

    def reach() -> None:
        to = target(url, adapter="http", networks=networks)
        judged(call(to, config=config, seconds=seconds))

    return outcome(reach)


def call_openapi(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 30
) -> str:
    config = json.dumps({"method": "GET", "path": "", "server": url, "given": url})

    def reach() -> None:
        to = target(url, adapter="openapi", networks=networks)
        judged(call(to, config=config, seconds=seconds))

    return outcome(reach)


def list_mcp(url: str, networks: tuple[str, ...] = (), *, seconds: float = 30) -> str:
    def reach() -> None:
        list_tools(source("mcp", url, networks, seconds), lambda _: None)

    return outcome(reach)


def fetch_document(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 30
) -> str:
    def reach() -> None:
        fetch(
            url, headers={}, networks=networks, timeout_seconds=seconds, max_bytes=1_000
        )

    return outcome(reach)


def list_openapi(
    url: str, networks: tuple[str, ...] = (), *, seconds: float = 30
) -> str:
    def reach() -> None:
        list_operations(source("openapi", url, networks, seconds), lambda _: None)

    return outcome(reach)


def source(
    kind: str, url: str, networks: tuple[str, ...] = (), seconds: float = 30
) -> Source:
    return Source(
        adapter_type=kind,
        adapter={"url": url},
        headers={},
        networks=networks,
        timeout_seconds=seconds,
        max_tools=100,
    )


class AnsweredFailure(GatewayError):
    """The upstream's answer became a result that says it failed."""

    code = "answered_failure"


def judged(answer: Answer) -> None:
    if answer.result.get("isError"):
        raise AnsweredFailure(str(answer.result["content"]))


def outcome(reach: Callable[[], None]) -> str:
    """The code of the error, or "reached"."""
    try:
        reach()
    except GatewayError as exc:
        return exc.code
    return "reached"


CLIENTS: list[Reach] = [
    call_modern,
    call_legacy,
    call_http,
    call_openapi,
    list_mcp,
    list_openapi,
    fetch_document,
]
