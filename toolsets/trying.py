"""Tries a tool that is an HTTP request: shows the request as it would be sent, and sends it once a person says so."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from gateway.audit import trail
from gateway.audit.trail import Actor
from toolsets.adapters.calling import Answer, Target, ToolRequest
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.http.building import build as build_request
from toolsets.adapters.http.configs import check_config
from toolsets.adapters.http.requests import OutgoingRequest, sent_headers
from toolsets.adapters.openapi.requests import build as build_operation
from toolsets.header_rules import names_in, resolve
from toolsets.headers import secret_values
from toolsets.models import ToolSet

MASK = "***"
_SHORTEST_MASKED = 4
"""Shorter secrets hide nothing, and masking them would hide everything else."""
_LONGEST_SHOWN = 20_000
_BUILD = {
    ToolSet.AdapterType.HTTP: build_request,
    ToolSet.AdapterType.OPENAPI: build_operation,
}
TRIABLE = frozenset(_BUILD)
"""The kinds of tool sets whose tools can be tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRequest:
    """A request for people to look at: each secret is MASK, and of a long body only the beginning is there."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    is_cut: bool


def preview(
    tool_set: ToolSet, *, config: Mapping[str, Any], arguments: Mapping[str, Any]
) -> ShownRequest:
    """The request that a call with these arguments would send. Nothing is sent.

    Raises:
        ValidationError: the configuration is wrong, entries named `config.<member>`.
        MissingSecret, HeaderRefused, RequestRefused: there is no such request.
    """
    _check(tool_set, config)
    target = _target(tool_set, config, is_masked=True)
    outgoing = _BUILD[ToolSet.AdapterType(tool_set.adapter_type)](
        target, _request(config, arguments, deadline=0.0)
    )
    return _shown(outgoing)


def send(
    tool_set: ToolSet,
    *,
    config: Mapping[str, Any],
    arguments: Mapping[str, Any],
    name: str = "",
    actor: Actor,
) -> Answer:
    """Send the request that `preview` shows, with its secrets, and wait for the answer. Blocks, outside any event loop.

    Where the answer repeats a secret, MASK stands in its place: who may try a tool need not know its secrets.

    Raises:
        ValidationError, MissingSecret, HeaderRefused, RequestRefused: as `preview`.
        AddressRefused, UpstreamError, ResultTooLarge: there is no answer.
    """
    _check(tool_set, config)
    target = _target(tool_set, config, is_masked=False)
    trail.record(
        actor, "tool_set.tried", subject=tool_set, changes={"tool": [None, name]}
    )
    answer = asyncio.run(_sent(target, config, arguments))
    secrets = [s for s in target.secrets.values() if len(s) >= _SHORTEST_MASKED]
    return Answer(result=_masked(answer.result, secrets), size=answer.size)


async def _sent(
    target: Target, config: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Answer:
    forwarder = Forwarder()
    deadline = asyncio.get_running_loop().time() + settings.CALL_TIMEOUT_SECONDS
    try:
        return await forwarder.call(
            target, _request(config, arguments, deadline=deadline)
        )
    finally:
        await forwarder.aclose()


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    match value:
        case str():
            for secret in secrets:
                value = value.replace(secret, MASK)
            return value
        case dict():
            return {name: _masked(held, secrets) for name, held in value.items()}
        case list():
            return [_masked(held, secrets) for held in value]
    return value


def _check(tool_set: ToolSet, config: Mapping[str, Any]) -> None:
    if tool_set.adapter_type == ToolSet.AdapterType.HTTP:
        check_config(config)


def _target(tool_set: ToolSet, config: Mapping[str, Any], *, is_masked: bool) -> Target:
    own: Mapping[str, str] = tool_set.adapter.get("headers") or {}
    names = names_in(own)
    if tool_set.adapter_type == ToolSet.AdapterType.HTTP:
        names |= names_in(config.get("headers", {}))
    secrets = secret_values(tool_set, names)
    if is_masked:
        secrets = dict.fromkeys(secrets, MASK)
    return Target(
        key=(tool_set.pk, tool_set.adapter_version, "trying", 0),
        adapter=tool_set.adapter_type,
        networks=tool_set.reachable_networks,
        url=tool_set.adapter.get("baseUrl") or "",
        headers=resolve(own, secrets),
        secrets=secrets,
    )


def _request(
    config: Mapping[str, Any], arguments: Mapping[str, Any], *, deadline: float
) -> ToolRequest:
    return ToolRequest(
        name="",
        config=orjson.dumps(config).decode(),
        arguments=arguments,
        deadline=deadline,
        max_result_bytes=settings.MAX_RESULT_BYTES,
    )


def _shown(outgoing: OutgoingRequest) -> ShownRequest:
    body = (outgoing.body or b"").decode(errors="replace")
    return ShownRequest(
        method=outgoing.method,
        url=outgoing.url,
        headers=sent_headers(outgoing),
        body=body[:_LONGEST_SHOWN],
        is_cut=len(body) > _LONGEST_SHOWN,
    )
