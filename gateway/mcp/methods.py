"""The methods that neither call a tool nor stream: what they answer."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.mcp.access import Visit
from gateway.mcp.listing import tools_list
from gateway.mcp.protocol import (
    HANDSHAKE,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MODERN,
    SERVER_INFO,
    Client,
    RpcError,
    client_name,
)
from gateway.mcp.results import stamped
from gateway.mcp.sessions import session_token

_CAPABILITIES = {"tools": {"listChanged": True}}


async def simple_result(
    method: str, params: Mapping[str, Any], client: Client, visit: Visit
) -> bytes:
    """The result of a method that neither calls nor streams, as JSON."""
    match method:
        case "tools/list":
            if params.get("cursor") is not None:
                raise RpcError(
                    INVALID_PARAMS, "There is no such cursor: the list has one page."
                )
            return await tools_list(visit.pack, client)
        case "server/discover" if client.is_modern:
            described = {
                "supportedVersions": list(MODERN),
                "capabilities": _CAPABILITIES,
            }
            return orjson.dumps(
                stamped({**described, "ttlMs": 0, "cacheScope": "private"}, client)
            )
        case "ping" if not client.is_modern:
            return b"{}"
        case _:
            raise RpcError(
                METHOD_NOT_FOUND,
                "This method is not offered here.",
                {"method": method[:100]},
            )


def initialized(
    params: Mapping[str, Any], visit: Visit
) -> tuple[dict[str, Any], list[tuple[bytes, bytes]]]:
    """The result of `initialize`, and the header with the session token."""
    wanted = params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise RpcError(INVALID_PARAMS, "initialize needs a protocolVersion.")
    version = wanted if wanted in HANDSHAKE else HANDSHAKE[-1]
    token = session_token(
        version=version,
        name=client_name(params.get("clientInfo")),
        capabilities=params.get("capabilities"),
        profile_id=visit.caller.profile_id,
    )
    result = {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": SERVER_INFO,
    }
    return result, [(b"mcp-session-id", token.encode())]
