"""What every adapter's call path takes, gives and raises.

UpstreamError                the upstream did not give a usable answer
├── UpstreamUnreachable      nothing was sent: no connection, no address, a refused handshake
├── UpstreamTimedOut         the deadline passed
├── UpstreamLost             the connection broke after the call was sent; it may have been executed
├── UpstreamUnauthorized     it does not accept the tool set's credential
├── UpstreamFailed           it says itself that it failed (an HTTP status of 5xx or 429)
├── UpstreamMisbehaved       the answer was not what the protocol allows
└── UpstreamAnsweredError    a JSON-RPC error, with its own code
ResultTooLarge               the answer passed the bound on bytes
ToolSetBusy                  the tool set's share of the process's concurrency is used up
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateway.errors import GatewayError, Refused

SessionKey = tuple[str, int, str, int]
"""Tool set id, adapter version, credential holder, credential generation: nothing opened under one serves another."""

STREAMABLE_HTTP = "streamable-http"
LEGACY_SSE = "sse"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where the calls of one tool set go, over which networks beside the public ones, and with which credential.

    `secrets` are those that headers of single tools may name; those in `headers` are filled in. `protocol_version` and `transport` (STREAMABLE_HTTP or LEGACY_SSE) are what the last sync found, "" when unknown.
    """

    key: SessionKey
    adapter: str = "mcp"
    url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    networks: tuple[str, ...] = ()
    protocol_version: str = ""
    transport: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRequest:
    """One call, as it is sent to an upstream.

    `config` is the tool's configuration as JSON, "" where its adapter needs none. `deadline` is a time of the event loop's clock, in seconds. `after_wait` is awaited before anything is sent when the
    call had to wait for a free place or for a session to open; what it raises stops the call. `on_sent` is told when the
    call goes out: from then on the upstream may have executed it, unless what comes of it is UpstreamUnreachable.
    """

    name: str
    config: str = ""
    arguments: Mapping[str, Any]
    deadline: float
    max_result_bytes: int
    header_paths: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    client_info: Mapping[str, str] = field(default_factory=dict)
    input_responses: Mapping[str, Any] | None = None
    request_state: str | None = None
    on_progress: Callable[[dict[str, Any]], None] | None = None
    is_retryable: bool = False
    after_wait: Callable[[], Awaitable[None]] | None = None
    on_sent: Callable[[], None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An upstream's result as it came, and the bytes it took on the wire; `status` is that of HTTP, 0 over MCP."""

    result: dict[str, Any]
    size: int
    status: int = 0


class UpstreamError(GatewayError):
    """The upstream did not give a usable answer."""

    code: ClassVar[str] = "upstream_failed"


class UpstreamUnreachable(UpstreamError):
    """Nothing was sent."""

    code = "upstream_unreachable"


class UpstreamTimedOut(UpstreamError):
    """The deadline passed."""

    code = "upstream_timed_out"


class UpstreamLost(UpstreamError):
    """The connection broke after the call was sent; it may have been executed."""

    code = "upstream_lost"


class UpstreamUnauthorized(UpstreamError):
    """The upstream does not accept the tool set's credential."""

    code = "upstream_unauthorized"


class UpstreamFailed(UpstreamError):
    """The upstream says itself that it failed."""


class UpstreamMisbehaved(UpstreamError):
    """The answer was not what the protocol allows."""

    code = "upstream_misbehaved"


class UpstreamAnsweredError(UpstreamError):
    """The upstream answered with a JSON-RPC error."""

    code = "upstream_error"

    def __init__(self, message: str, *, rpc_code: int, data: Any = None) -> None:
        super().__init__(message)
        self.rpc_code = rpc_code
        self.data = data


class ResultTooLarge(GatewayError):
    """The answer passed the bound on bytes."""

    code = "result_too_large"


class ToolSetBusy(Refused):
    """Too many calls of this tool set are under way in this process."""

    code = "tool_set_busy"
