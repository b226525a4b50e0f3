"""Follows one call from its request to its end, and sees that its row tells the truth whatever happens."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from django.utils import timezone

from gateway.database import in_database
from gateway.errors import GatewayError, Refused
from gateway.ids import new_id
from gateway.mcp.headers import kept_headers
from gateway.mcp.models import ToolCall
from gateway.mcp.protocol import INVALID_PARAMS, RpcError
from gateway.mcp.records import CallFacts, NotRecorded, Outcome, RecordWriter
from gateway.mcp.requests import AdmittedCall, CallRequest
from toolsets.adapters.calling import UpstreamUnreachable

log = logging.getLogger(__name__)

_LONGEST_NAME = 255


class Record:
    """The record of one call: opened before the call is forwarded, closed when it ends."""

    def __init__(
        self, request: CallRequest, writer: RecordWriter, process_id: str
    ) -> None:
        self.call_id = ""
        self.round = 1
        self._request = request
        self._writer = writer
        self._process_id = process_id
        self._began = time.perf_counter()
        self._upstream_ms: float | None = None
        self._was_sent = False
        self._is_open = False
        self._state: str = ToolCall.State.SUCCEEDED
        self._code = ""
        self._result_bytes = 0

    async def __aenter__(self) -> Self:
        self._writer.call_begins()
        return self

    async def open(self, call: AdmittedCall) -> None:
        """Commit the row as running, or go on with the row of an earlier round.

        Raises:
            NotRecorded, Busy: the row could not be written; the call may not be forwarded.
            RpcError: the earlier round was already answered.
        """
        if call.state is not None:
            await self._go_on(call.state.call_id, call.state.round)
            return
        self.call_id = new_id("call")
        self._is_open = True
        try:
            await self._writer.open(self._facts(call))
        except GatewayError:
            self._is_open = False
            raise

    async def _go_on(self, call_id: str, round_number: int) -> None:
        workspace_id = self._request.visit.pack.workspace_id
        taking = asyncio.ensure_future(
            in_database(_take_up, workspace_id, call_id, self._process_id)
        )
        try:
            taken = await asyncio.shield(taking)
        except asyncio.CancelledError:  # whether the row is ours now must be known
            self._went_on(call_id, round_number, taken=await taking)
            raise
        self._went_on(call_id, round_number, taken=taken)

    def _went_on(self, call_id: str, round_number: int, *, taken: bool) -> None:
        if not taken:
            raise RpcError(
                INVALID_PARAMS, "This requestState was used before. Call the tool anew."
            )
        self.call_id, self.round, self._is_open = call_id, round_number + 1, True

    @contextlib.contextmanager
    def upstream(self) -> Iterator[None]:
        """Measures the time that the upstream takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._upstream_ms = (time.perf_counter() - began) * 1000

    def sent(self) -> None:
        """The call goes out to the upstream."""
        self._was_sent = True

    def answered(self, *, size: int, code: str) -> None:
        """The upstream answered; `code` says what is wrong with the answer, "" for nothing."""
        self._result_bytes = size
        if code:
            self._state, self._code = ToolCall.State.FAILED, code

    def waits(self, *, size: int) -> None:
        """The call goes on when its caller has answered."""
        self._result_bytes = size
        self._state, self._code = ToolCall.State.WAITING, "input_required"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._state, self._code = self._verdict(error)
            if isinstance(error, UpstreamUnreachable):
                self._was_sent = False
        try:
            if self._is_open:
                await self._writer.close(self.call_id, self._outcome())
            elif not isinstance(error, NotRecorded | asyncio.CancelledError):
                await self._refused()
        finally:
            self._writer.call_ends()

    async def _refused(self) -> None:
        """Record a call that was never forwarded; the caller hears of the refusal even if this fails."""
        self.call_id = new_id("call")
        try:
            await self._writer.refuse(self._facts(None), self._outcome())
        except GatewayError as exc:
            log.warning("refused call not recorded", extra={"code": exc.code})

    def _verdict(self, error: BaseException) -> tuple[str, str]:
        """How a call that ended with `error` is recorded."""
        match error:
            case Refused():
                return ToolCall.State.REFUSED, error.code
            case GatewayError():
                return ToolCall.State.FAILED, error.code
            case RpcError():
                code = error.data.get("code") if isinstance(error.data, dict) else None
                return ToolCall.State.REFUSED, str(code or "protocol_error")[:48]
            case asyncio.CancelledError() if self._request.running.is_cancelled:
                return ToolCall.State.INTERRUPTED, "cancelled_by_caller"
            case asyncio.CancelledError():
                return ToolCall.State.INTERRUPTED, "process_lost"
            case _:
                return ToolCall.State.FAILED, "internal"

    def _outcome(self) -> Outcome:
        return Outcome(
            state=self._state,
            code=self._code,
            reached_upstream=self._was_sent,
            result_bytes=self._result_bytes,
            upstream_ms=self._upstream_ms,
            total_ms=(time.perf_counter() - self._began) * 1000,
            rounds=self.round,
            finished_at=None
            if self._state == ToolCall.State.WAITING
            else timezone.now(),
        )

    def _facts(self, call: AdmittedCall | None) -> CallFacts:
        request = self._request
        visit = call.visit if call else request.visit
        tool = call.tool if call else visit.pack.tools.get(request.name)
        return CallFacts(
            id=self.call_id,
            workspace_id=visit.pack.workspace_id,
            process_id=self._process_id,
            started_at=timezone.now(),
            tool_name=request.name[:_LONGEST_NAME].replace("\0", ""),
            api_key_id=visit.caller.key_id,
            registered_user_id=visit.user.registered_user_id,
            agent_profile_id=visit.caller.agent_profile_id,
            pack_id=visit.pack.pack_id,
            tool_set_id=tool.tool_set.tool_set_id if tool else "",
            tool_id=tool.tool_id if tool else "",
            fingerprint=tool.fingerprint if tool else "",
            argument_bytes=request.argument_bytes,
            protocol_version=request.client.version,
            client=request.client.name[:120],
            headers=kept_headers(request.headers),
        )


def _take_up(workspace_id: str, call_id: str, process_id: str) -> bool:
    waiting = ToolCall.objects.in_workspace(workspace_id).filter(
        pk=call_id, state=ToolCall.State.WAITING
    )
    return bool(waiting.update(state=ToolCall.State.RUNNING, process_id=process_id))
