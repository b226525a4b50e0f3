"""The rules of the protocol's revisions, as values: which exist, what each knows, and what a request must agree with.

Source: the MCP specification, `basic/transports/streamable-http` and `basic/index` of 2026-07-28 and of the revisions
with a handshake.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODERN = ("2026-07-28",)
HANDSHAKE = ("2025-03-26", "2025-06-18", "2025-11-25")
UNNAMED = "2025-03-26"
"""The revision of a request that names none: the last whose clients need not."""
SUPPORTED = (*reversed(MODERN), *reversed(HANDSHAKE))

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
REFUSAL_KEY = "dev.toolcrib/refusal"

SERVER_INFO = {"name": "toolcrib", "title": "Toolcrib", "version": "0.1.0"}

_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    METHOD_NOT_FOUND: 404,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
}
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ROUTING = frozenset({b"mcp-protocol-version", b"mcp-method", b"mcp-name"})


class RpcError(Exception):
    """A JSON-RPC error as it leaves. `status` is its HTTP status on revisions without a handshake."""

    def __init__(
        self, code: int, message: str, data: Any = None, *, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = status or _STATUS.get(code, 200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """What a client said of itself: its revision, its name, and the capabilities that matter to us."""

    version: str
    name: str = ""
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    nonce: str = ""

    @property
    def is_modern(self) -> bool:
        return self.version in MODERN

    def knows(self, revision: str) -> bool:
        """Whether what came with `revision` is known to it; revisions are dates."""
        return self.version >= revision


def is_modern_request(version_header: str | None, meta: Any) -> bool:
    """Whether a request claims a revision without a handshake, or one that we do not know."""
    if version_header is not None and version_header not in HANDSHAKE:
        return True
    return isinstance(meta, dict) and VERSION_KEY in meta


def modern_client(method: str, params: Any, headers: Mapping[str, str]) -> Client:
    """The client of a 2026-07-28 request whose envelope is whole and agrees with its headers.

    Raises:
        RpcError: the first rule that it breaks: envelope, agreement of headers, revision.
    """
    meta = params.get("_meta") if isinstance(params, dict) else None
    if not isinstance(meta, dict):
        raise RpcError(
            INVALID_PARAMS,
            f"params._meta must be an object with {VERSION_KEY} and {CAPABILITIES_KEY}.",
        )
    if missing := [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]:
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    version = meta[VERSION_KEY]
    _agree("MCP-Protocol-Version", headers.get("mcp-protocol-version"), version)
    _agree("Mcp-Method", headers.get("mcp-method"), method)
    if (member := _NAMED.get(method)) is not None and params.get(member) is not None:
        _agree("Mcp-Name", decoded(headers.get("mcp-name")), params[member])
    if version not in MODERN:
        raise unsupported(version)
    if not isinstance(meta[CAPABILITIES_KEY], dict):
        raise RpcError(INVALID_PARAMS, f"{CAPABILITIES_KEY} must be an object.")
    return Client(
        version=version,
        name=client_name(meta.get(CLIENT_KEY)),
        capabilities=meta[CAPABILITIES_KEY],
    )


def unsupported(version: Any) -> RpcError:
    return RpcError(
        UNSUPPORTED_VERSION,
        "This protocol version is not supported.",
        {"supported": list(MODERN), "requested": str(version)[:64]},
    )


def _agree(name: str, header: str | None, value: Any) -> None:
    if header is None or header != value:
        raise RpcError(
            HEADER_MISMATCH,
            f"The {name} header is missing or does not match the request body.",
        )


def repeated_routing_header(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The header about the body that stands twice: readers of the first and of the last would disagree."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in _ROUTING or name.startswith(b"mcp-param-"):
            if name in seen:
                return name.decode()
            seen.add(name)
    return None


def decoded(value: str | None) -> str | None:
    """A header value out of its `=?base64?…?=` wrapping; None when the wrapping is damaged."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        raw = base64.b64decode(value[9:-2], validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == value[9:-2] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def client_name(info: Any) -> str:
    """`name/version` of a client, for display only: it is what the client says of itself."""
    if not isinstance(info, dict):
        return ""
    parts = [
        str(info[key])[:60]
        for key in ("name", "version")
        if isinstance(info.get(key), str)
    ]
    return "".join(c if c.isprintable() else " " for c in "/".join(parts))
