"""Tries a tool that is an HTTP request: shows the request as it would be sent, and sends it once a person says so."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.errors import GatewayError, Refused
from gateway.identity.roles import Right, allows
from toolsets.adapters.calling import Answer, Target, ToolRequest
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.http.building import build as build_request
from toolsets.adapters.http.configs import check_config
from toolsets.adapters.http.requests import OutgoingRequest, sent_headers
from toolsets.adapters.openapi.requests import build as build_operation
from toolsets.adapters.sending import http_url
from toolsets.confidential import MASK, hidden, secrets_in
from toolsets.curating import ToolArchived, may_decide
from toolsets.errors import ToolSetArchived
from toolsets.header_rules import names_in, resolve
from toolsets.headers import held_secrets
from toolsets.models import Secret, Tool, ToolSet
from toolsets.usage import note_secret_use

_SHORTEST_MASKED = 4
"""Shorter secrets hide nothing, and masking them would hide everything else."""
_LONGEST_SHOWN = 20_000
_LONGEST_ADDRESS = 2048
_BUILD = {
    ToolSet.AdapterType.HTTP: build_request,
    ToolSet.AdapterType.OPENAPI: build_operation,
}
TRIABLE = frozenset(_BUILD)
"""The kinds of tool sets whose tools can be tried."""


class TrialForbidden(Refused):
    """Others decided that this tool is not simply called, and whoever tries it may not decide otherwise."""

    code: ClassVar[str] = "trial_forbidden"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRequest:
    """A request for people to look at: each secret, also one typed into a header, is MASK, and of a long body only the beginning is there.

    `origin` is the part of its address that says who gets it.
    """

    method: str
    url: str
    origin: str
    headers: Mapping[str, str]
    body: str
    is_cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What came of sending: the answer, and how long it took."""

    answer: Answer
    milliseconds: int


def config_of(tool: Tool) -> Mapping[str, Any]:
    """The configuration that a tool is tried with as it is kept.

    Raises:
        ToolArchived: its upstream does not have it any more.
    """
    if tool.status == Tool.Status.ARCHIVED:
        raise ToolArchived(
            f"{tool} is archived, so no call of it is sent. It can be tried when it is back."
        )
    config: Mapping[str, Any] = tool.config
    return config


def preview(
    tool_set: ToolSet, *, config: Mapping[str, Any], arguments: Mapping[str, Any]
) -> ShownRequest:
    """The request that a call with these arguments would send. Nothing is sent.

    Raises:
        ToolSetArchived: nothing is sent to its upstream.
        ValidationError: the configuration is wrong, entries named `config.<member>`.
        MissingSecret, HeaderRefused, RequestRefused: there is no such request.
    """
    _check(tool_set, config)
    secrets = dict.fromkeys(_secrets(tool_set, config), MASK)
    target = _target(tool_set, hidden(tool_set.adapter), secrets)
    return _shown(_built(target, hidden(config), arguments))


def send(
    tool_set: ToolSet,
    *,
    config: Mapping[str, Any],
    arguments: Mapping[str, Any],
    tool: Tool | None = None,
    name: str = "",
    actor: Actor,
) -> Trial:
    """Send the request that `preview` shows, with its secrets, and wait for the answer. Blocks, outside any event loop.

    `tool` is the one that is tried, or changed and tried, as it is kept; None for one that is new. Where the answer repeats a secret, MASK stands in its place: who may try a tool need not know its secrets.

    Raises:
        TrialForbidden: as `check_may_send`.
        ToolSetArchived, ValidationError, MissingSecret, HeaderRefused, RequestRefused: as `preview`.
        AddressRefused, UpstreamError, ResultTooLarge: there is no answer.
    """
    _check(tool_set, config)
    if tool is not None:
        check_may_send(tool, actor)
    held = _secrets(tool_set, config)
    values = {name: secret.held.value for name, secret in held.items()}
    target = _target(tool_set, tool_set.adapter, values)
    typed = [*secrets_in(tool_set.adapter), *secrets_in(config)]
    outgoing = _built(target, config, arguments)
    said = {
        "tool": name,
        "method": outgoing.method,
        "address": _address(target, config),
    }
    with _recorded(tool_set, said, actor) as came:
        note_secret_use([one.pk for one in held.values()], at=timezone.now())
        answer = asyncio.run(_sent(target, config, arguments))
        came |= {"status": answer.status, "bytes": answer.size}
    return Trial(
        answer=replace(
            answer, result=_masked(answer.result, [*values.values(), *typed])
        ),
        milliseconds=came["milliseconds"],
    )


def check_may_send(tool: Tool, actor: Actor) -> None:
    """Judge whether `actor` may have a tool called without what agents need for it.

    Who may waive its approval, or restore it, may do so and then send: they need not.

    Raises:
        TrialForbidden: it needs an approval, or is left out, and `actor` may not decide that.
    """
    if may_decide(tool.tool_set, actor):
        return
    if tool.requires_approval and not allows(actor.role, Right.GOVERN):
        raise TrialForbidden(
            f"Calls of {tool} need an approval, which you may not waive, so none is sent from here. "
            "Have an agent call it, or ask who decides about approvals."
        )
    if tool.status in {Tool.Status.OMITTED, Tool.Status.FILTERED}:
        raise TrialForbidden(
            f"{tool} is left out, which you may not change, so no call of it is sent."
        )


@contextmanager
def _recorded(
    tool_set: ToolSet, said: Mapping[str, Any], actor: Actor
) -> Iterator[dict[str, Any]]:
    """Write who sends what where before it is sent, and afterwards what came of it, which is put into the mapping."""
    event = trail.record(
        actor, "tool_set.tried", subject=tool_set, changes=_as_news(said)
    )
    came: dict[str, Any] = {}
    started = time.monotonic()
    try:
        yield came
    except GatewayError as exc:
        came["failure"] = exc.code
        raise
    finally:
        came["milliseconds"] = round((time.monotonic() - started) * 1000)
        trail.complete(event, _as_news(came))


def _as_news(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [None, fact] for name, fact in facts.items()}


def _address(target: Target, config: Mapping[str, Any]) -> str:
    """Where the request goes as the tool's author wrote it: the values of arguments are nobody's to keep."""
    base = config.get("server") or target.url
    path = config.get("path", "").partition("?")[0].removeprefix("/")
    return f"{base.rstrip('/')}/{path}"[:_LONGEST_ADDRESS]


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
            for secret in sorted(secrets, key=len, reverse=True):
                if len(secret) >= _SHORTEST_MASKED:
                    value = value.replace(secret, MASK)
            return value
        case dict():
            return {name: _masked(held, secrets) for name, held in value.items()}
        case list():
            return [_masked(held, secrets) for held in value]
    return value


def _check(tool_set: ToolSet, config: Mapping[str, Any]) -> None:
    if not tool_set.is_active:
        raise ToolSetArchived(
            f"{tool_set} is archived, so nothing is sent to its upstream. Put it back into service, then try again."
        )
    if tool_set.adapter_type == ToolSet.AdapterType.HTTP:
        check_config(config)


def _secrets(tool_set: ToolSet, config: Mapping[str, Any]) -> dict[str, Secret]:
    """The secrets that a call sends, by name."""
    names = names_in(tool_set.adapter.get("headers") or {})
    if tool_set.adapter_type == ToolSet.AdapterType.HTTP:
        names |= names_in(config.get("headers", {}))
    return held_secrets(tool_set, names)


def _target(
    tool_set: ToolSet, adapter: Mapping[str, Any], secrets: Mapping[str, str]
) -> Target:
    return Target(
        key=(tool_set.pk, tool_set.adapter_version, "trying", 0),
        adapter=tool_set.adapter_type,
        networks=tool_set.reachable_networks,
        url=adapter.get("baseUrl") or adapter.get("url") or "",
        headers=resolve(adapter.get("headers") or {}, secrets),
        secrets=secrets,
    )


def _built(
    target: Target, config: Mapping[str, Any], arguments: Mapping[str, Any]
) -> OutgoingRequest:
    build = _BUILD[ToolSet.AdapterType(target.adapter)]
    return build(target, _request(config, arguments, deadline=0.0))


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
        origin=str(http_url(outgoing.url, encoded=True).origin()),
        headers=sent_headers(outgoing),
        body=body[:_LONGEST_SHOWN],
        is_cut=len(body) > _LONGEST_SHOWN,
    )
