"""Session tokens of the handshake eras: sealed, so that any process opens one and none stores any.

A token carries what the handshake settled. It authorizes nothing: the key does, on every request.
"""

import secrets
from functools import lru_cache
from typing import Any

import orjson

from gateway.encryption import seal, unseal
from gateway.mcp.protocol import Client

_PURPOSE = "mcp-session"
_MATTERS = ("elicitation", "sampling", "roots")
_LONGEST = 2048


def session_token(
    *, version: str, name: str, capabilities: Any, profile_id: str
) -> str:
    """A token for a client that has shaken hands, usable by the same caller only."""
    declared = capabilities if isinstance(capabilities, dict) else {}
    content = {
        "v": version,
        "n": name,
        "c": [
            capability
            for capability in _MATTERS
            if isinstance(declared.get(capability), dict)
        ],
        "s": secrets.token_hex(8),
        "p": profile_id,
    }
    return seal(_PURPOSE, orjson.dumps(content))


def session_client(token: str, *, profile_id: str) -> Client | None:
    """The client of a token; None when it does not open, or is another caller's."""
    if len(token) > _LONGEST or (opened := _opened(token)) is None:
        return None
    owner, client = opened
    return client if owner == profile_id else None


@lru_cache(maxsize=20_000)
def _opened(token: str) -> tuple[str, Client] | None:
    payload = unseal(_PURPOSE, token)
    if payload is None:
        return None
    content = orjson.loads(payload)
    capabilities: dict[str, dict[str, Any]] = {
        capability: {} for capability in content["c"]
    }
    client = Client(
        version=content["v"],
        name=content["n"],
        capabilities=capabilities,
        nonce=content["s"],
    )
    return content["p"], client
