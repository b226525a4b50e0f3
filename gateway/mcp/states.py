"""What travels through the caller between the rounds of one call: sealed, short-lived, and bound to that call."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.encryption import seal, unseal
from gateway.mcp.protocol import INVALID_PARAMS, RpcError

_PURPOSE = "request-state"
_LIFETIME_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """Which call a state belongs to."""

    profile_id: str
    registered_user_id: str
    tool_id: str
    arguments_digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedState:
    """The recorded call that goes on, the round that ended, and the upstream's own state, if it gave one."""

    call_id: str
    round: int
    upstream_state: str | None


def arguments_digest(arguments: Mapping[str, Any]) -> str:
    return hashlib.sha256(
        orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()


def sealed_state(
    binding: Binding, *, call_id: str, round_number: int, upstream_state: str | None
) -> str:
    content = {
        "b": _words(binding),
        "i": call_id,
        "r": round_number,
        "u": upstream_state,
    }
    return seal(_PURPOSE, orjson.dumps(content))


def opened_state(token: Any, binding: Binding) -> OpenedState:
    """The state that `sealed_state` made for the same call within ten minutes.

    Raises:
        RpcError: forged, too old, another caller's or another call's.
    """
    payload = (
        unseal(_PURPOSE, token, max_age_seconds=_LIFETIME_SECONDS)
        if isinstance(token, str)
        else None
    )
    content = orjson.loads(payload) if payload else None
    if content is None or content["b"] != _words(binding):
        raise RpcError(
            INVALID_PARAMS,
            "requestState is not valid for this call, or is too old. Call the tool anew.",
        )
    return OpenedState(
        call_id=content["i"], round=content["r"], upstream_state=content["u"]
    )


def _words(binding: Binding) -> list[str]:
    return [
        binding.profile_id,
        binding.registered_user_id,
        binding.tool_id,
        binding.arguments_digest,
    ]
