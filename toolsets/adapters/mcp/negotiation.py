"""Finding out which era an upstream speaks, newest first, and opening a session with it.

A guess of the last sync is tried first. Otherwise the upstream is asked with `server/discover`, never with a call, which
might be executed; then `initialize`; then the event stream of 2024-11-05.
"""

import asyncio
from collections.abc import Callable

from toolsets.adapters.calling import (
    LEGACY_SSE,
    Target,
    UpstreamAnsweredError,
    UpstreamMisbehaved,
    UpstreamUnauthorized,
)
from toolsets.adapters.mcp.answering import check_status, read_answer, read_error
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.handshake import HandshakeSession, handshake_headers
from toolsets.adapters.mcp.legacy_sse import open_legacy
from toolsets.adapters.mcp.messages import (
    HANDSHAKE_VERSIONS,
    HEADER_MISMATCH,
    IDENTITY,
    MISSING_CAPABILITY,
    MODERN_VERSION,
    NEGOTIATION_ID,
    UNSUPPORTED_VERSION,
    initialize_body,
    modern_meta,
    negotiated_version,
    request_body,
)
from toolsets.adapters.mcp.modern import ModernSession, modern_headers
from toolsets.adapters.mcp.sessions import Session

_LARGEST_NEGOTIATION = 1_048_576
_MODERN_CODES = frozenset({HEADER_MISMATCH, MISSING_CAPABILITY})


class OtherEra(UpstreamMisbehaved):
    """The upstream does not shake hands at this address."""

    def __init__(self, message: str, *, may_be_legacy: bool) -> None:
        super().__init__(message)
        self.may_be_legacy = may_be_legacy


async def open_session(
    target: Target, *, connect_seconds: float, on_list_changed: Callable[[], None]
) -> Session:
    """A session in the newest era that the upstream and we both speak.

    Raises:
        UpstreamError, AddressRefused: there is none.
    """
    exchange = Exchange(target, connect_seconds=connect_seconds)
    try:
        if target.protocol_version == MODERN_VERSION:
            return ModernSession(exchange, on_list_changed=on_list_changed)
        session = await _as_last_time(target, exchange, on_list_changed)
        return session or await _newest_first(
            exchange, connect_seconds, on_list_changed
        )
    except BaseException:
        await exchange.aclose()
        raise


async def _as_last_time(
    target: Target, exchange: Exchange, on_list_changed: Callable[[], None]
) -> Session | None:
    if target.transport == LEGACY_SSE:
        return await open_legacy(exchange, on_list_changed=on_list_changed)
    if target.protocol_version in HANDSHAKE_VERSIONS:
        try:
            return await _shake_hands(exchange, on_list_changed)
        except OtherEra:
            return None
    return None


async def _newest_first(
    exchange: Exchange, connect_seconds: float, on_list_changed: Callable[[], None]
) -> Session:
    if await _is_modern(exchange, connect_seconds):
        return ModernSession(exchange, on_list_changed=on_list_changed)
    try:
        return await _shake_hands(exchange, on_list_changed)
    except OtherEra as exc:
        if exc.may_be_legacy:
            legacy = await open_legacy(exchange, on_list_changed=on_list_changed)
            if legacy is not None:
                return legacy
        raise


async def _is_modern(exchange: Exchange, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return MODERN_VERSION in await _discover(exchange)
    except TimeoutError:
        return (
            False  # an old server may leave a method that it does not know unanswered
        )


async def _discover(exchange: Exchange) -> list[object]:
    """The versions that the upstream names; none where it is of an older era."""
    body = request_body(
        NEGOTIATION_ID, "server/discover", {"_meta": modern_meta(IDENTITY, {})}
    )
    response = await exchange.post(body, modern_headers(exchange, "server/discover"))
    try:
        if response.status != 200:
            error, _ = await read_error(response, NEGOTIATION_ID)
            if response.status in (401, 403):
                check_status(response.status, error)
            return _versions_in(error)
        answer = await read_answer(response, NEGOTIATION_ID, _LARGEST_NEGOTIATION)
        versions = answer.result.get("supportedVersions")
        return versions if isinstance(versions, list) else []
    except UpstreamAnsweredError as exc:
        return _versions_in(exc)
    except UpstreamMisbehaved:
        return []
    finally:
        response.close()


def _versions_in(error: UpstreamAnsweredError | None) -> list[object]:
    if error is None:
        return []
    if error.rpc_code in _MODERN_CODES:
        return [MODERN_VERSION]
    if error.rpc_code == UNSUPPORTED_VERSION and isinstance(error.data, dict):
        versions = error.data.get("supported")
        return versions if isinstance(versions, list) else []
    return []


async def _shake_hands(
    exchange: Exchange, on_list_changed: Callable[[], None]
) -> HandshakeSession:
    """Initialize a session.

    Raises:
        OtherEra: the upstream does not take part in it.
        UpstreamError, AddressRefused: it could not be asked.
    """
    headers = handshake_headers(exchange, HANDSHAKE_VERSIONS[0], "")
    response = await exchange.post(initialize_body(), headers)
    try:
        if response.status != 200:
            error, _ = await read_error(response, NEGOTIATION_ID)
            _refuse(response.status, error)
        answer = await read_answer(response, NEGOTIATION_ID, _LARGEST_NEGOTIATION)
    except UpstreamAnsweredError as exc:
        raise OtherEra(
            f"The upstream refuses to open a session: {exc.message}",
            may_be_legacy=False,
        ) from exc
    finally:
        exchange.settle(response)
    session = HandshakeSession(
        exchange,
        version=negotiated_version(answer.result),
        session_id=response.headers.get("Mcp-Session-Id", ""),
        on_list_changed=on_list_changed,
    )
    await session.confirm()
    return session


def _refuse(status: int, error: UpstreamAnsweredError | None) -> None:
    if status in (401, 403):
        raise UpstreamUnauthorized(
            f"The upstream does not accept the tool set's credential (HTTP status {status})."
        )
    if status in (400, 404, 405):
        raise OtherEra(
            f"The upstream does not speak MCP at this address (HTTP status {status}).",
            may_be_legacy=True,
        )
    check_status(status, error)
