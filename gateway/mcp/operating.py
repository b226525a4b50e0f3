"""A tool call that an operator makes from the command line: the pipeline of every call, in a process beside the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from django.conf import settings

from gateway.database import in_database
from gateway.identity.callers import Caller
from gateway.identity.keys import Claims
from gateway.identity.models import ApiKey, Workspace
from gateway.identity.roles import Role
from gateway.lane import Lane
from gateway.mcp import heartbeat
from gateway.mcp.access import Access, Door, Visit
from gateway.mcp.calls import Crib, call_tool
from gateway.mcp.credentials import Credentials
from gateway.mcp.protocol import HANDSHAKE, Client
from gateway.mcp.records import RecordWriter
from gateway.mcp.requests import CallRequest
from gateway.mcp.running import RunningCall
from toolsets.adapters.forwarding import Forwarder


class OperatorAtHand:
    """Whoever may run commands here stands behind every token: the limits of pack and user remain, a key's do not."""

    def __init__(self, workspace: Workspace, label: str) -> None:
        self._claims = Claims(
            key_id="", workspace_id=workspace.pk, generation=0, expires_at=None
        )
        self._caller = Caller(
            account_id=workspace.account_id,
            workspace_id=workspace.pk,
            profile_id=workspace.account.system_profile.pk,
            label=label,
            role=Role.ADMIN,
            is_person=False,
            scopes=frozenset({ApiKey.Scope.RUNTIME}),
        )

    def claims(self, token: str) -> Claims:
        return self._claims

    def known(self, claims: Claims, shared_revision: int) -> Caller:
        return self._caller

    async def caller(self, claims: Claims, shared_revision: int) -> Caller:
        return self._caller


async def visit_as(operator: OperatorAtHand, door: Door) -> Visit:
    """The pack as the registered user sees it now. Raises as `Access.enter`."""
    async with _open_lane() as lane:
        return await Access(lane, operator).enter(door)


async def call_as(
    operator: OperatorAtHand,
    door: Door,
    *,
    tool: str,
    arguments: Mapping[str, Any],
    client: str,
) -> dict[str, Any]:
    """Call a tool of the pack for the registered user; the result as an agent would get it. Raises as `call_tool`."""
    async with _open_lane() as lane, _crib(lane) as crib:
        access = Access(lane, operator)
        request = CallRequest(
            access=access,
            door=door,
            visit=await access.enter(door),
            client=Client(version=HANDSHAKE[-1], name=client),
            name=tool,
            arguments=arguments,
            headers={},
            running=RunningCall(),
            argument_bytes=len(orjson.dumps(arguments)),
        )
        result: dict[str, Any] = orjson.loads(await call_tool(request, crib))
        return result


@asynccontextmanager
async def _open_lane() -> AsyncIterator[Lane]:
    lane = Lane()
    lane.start()
    try:
        yield lane
    finally:
        await lane.stop()


@asynccontextmanager
async def _crib(lane: Lane) -> AsyncIterator[Crib]:
    """What the pipeline works with; whoever watches the processes sees this one as long as it lasts."""
    process = await in_database(heartbeat.join_beside)
    beating = asyncio.create_task(heartbeat.beat_forever(process))
    crib = Crib(
        process_id=process.pk,
        records=RecordWriter(lane),
        credentials=Credentials(),
        forwarder=Forwarder(),
        call_timeout_seconds=settings.CALL_TIMEOUT_SECONDS,
        most_result_bytes=settings.MAX_RESULT_BYTES,
    )
    try:
        yield crib
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await crib.forwarder.aclose()
        await crib.credentials.record_use()
        await in_database(heartbeat.leave, process)
