"""Writes the rows of tool calls durably: many calls share a transaction, and nobody waits when the writer is idle.

A row is committed as `running` before its upstream is contacted, and closed by compare-and-swap whatever happens.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from gateway.database import DatabaseAway
from gateway.errors import GatewayError, Refused
from gateway.jobs import Answer, Batch, CommitUnknown, JobFailed, Statement
from gateway.lane import Lane
from gateway.mcp.models import ToolCall

log = logging.getLogger(__name__)

_MOST_WAITING = 20_000
_RETRY_SECONDS = 0.5
_CLOSE_SECONDS = 15.0


class NotRecorded(GatewayError):
    """The call's row could not be written, so the call was not forwarded."""

    code = "not_recorded"


class Busy(Refused):
    """More calls are waiting to be recorded than this process takes."""

    code = "busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a call ended, or that it waits for its caller's next round."""

    state: str
    code: str = ""
    reached_upstream: bool = False
    result_bytes: int = 0
    upstream_ms: float | None = None
    total_ms: float | None = None
    rounds: int = 1
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFacts:
    """What is known of a call when its row is opened."""

    id: str
    workspace_id: str
    process_id: str
    started_at: datetime
    tool_name: str
    api_key_id: str = ""
    registered_user_id: str = ""
    agent_profile_id: str = ""
    pack_id: str = ""
    tool_set_id: str = ""
    tool_id: str = ""
    fingerprint: str = ""
    argument_bytes: int = 0
    protocol_version: str = ""
    client: str = ""
    headers: dict[str, str] = field(default_factory=dict)


Row = CallFacts | str
"""A row by its facts, or by its id alone."""

_FACTS = (
    "id",
    "workspace_id",
    "process_id",
    "tool_name",
    "api_key_id",
    "registered_user_id",
    "agent_profile_id",
    "pack_id",
    "tool_set_id",
    "tool_id",
    "fingerprint",
    "argument_bytes",
    "protocol_version",
    "client",
)
_ENDS = (
    "state",
    "code",
    "reached_upstream",
    "result_bytes",
    "upstream_ms",
    "total_ms",
    "rounds",
)
_COLUMNS = (*_FACTS, "headers", "started_at", *_ENDS, "finished_at", "amendment")
_INSERT = f"INSERT INTO mcp_toolcall ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
_UPSERT = (
    f"{_INSERT} ON CONFLICT (id) DO UPDATE SET "
    f"{', '.join(f'{column} = excluded.{column}' for column in (*_ENDS, 'finished_at'))} "
    "WHERE mcp_toolcall.state = 'running'"
)
_CLOSE = (
    f"UPDATE mcp_toolcall SET {', '.join(f'{column} = %s' for column in _ENDS)}, finished_at = %s "  # noqa: S608
    "WHERE id = %s AND state = 'running'"
)
_AMEND = (
    "UPDATE mcp_toolcall SET amendment = %s "
    "WHERE id = %s AND state = 'interrupted' AND code = 'process_lost' AND amendment = ''"
)


class RecordWriter:
    """Writes the rows of one process, on its lane."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._in_doubt: dict[str, CallFacts] = {}
        self._closing: set[asyncio.Task[bool]] = set()

    def call_begins(self) -> None:
        self._lane.crowd += 1

    def call_ends(self) -> None:
        self._lane.crowd -= 1

    async def open(self, facts: CallFacts) -> None:
        """Commit the call's row as running.

        Raises:
            NotRecorded: the database does not take it.
            Busy: too many calls are waiting.
        """
        try:
            await self._insert(facts, _RUNNING)
        except NotRecorded as exc:
            if isinstance(exc.__cause__, CommitUnknown):  # should the row be there
                self._start_closing(facts, _not_forwarded())
            raise
        except asyncio.CancelledError:  # it may be written or not, or be written later
            self._in_doubt[facts.id] = facts
            raise

    async def refuse(self, facts: CallFacts, outcome: Outcome) -> None:
        """Commit the row of a call that ended before it was forwarded. Raises as `open` does."""
        await self._insert(facts, outcome)

    async def close(self, call_id: str, outcome: Outcome) -> None:
        """Commit how a running call ended; if its row was given up meanwhile, add the outcome as an amendment.

        Raises:
            NotRecorded: it is not written yet; the writer goes on trying.
        """
        row = self._in_doubt.pop(call_id, call_id)
        try:
            await self._end(row, outcome)
        except (DatabaseAway, JobFailed) as exc:
            await self._close_later(row, outcome, exc)
        except asyncio.CancelledError:  # it may be written or not: nobody waits to see
            self._start_closing(row, outcome)
            raise

    async def _end(self, row: Row, outcome: Outcome) -> None:
        if not await self._lane.write(_ROWS, (row, outcome)):
            await self._lane.write(_AMENDMENTS, (_id_of(row), outcome))

    def _start_closing(self, row: Row, outcome: Outcome) -> "asyncio.Task[bool]":
        trying = asyncio.create_task(self._keep_closing(row, outcome))
        self._closing.add(trying)
        trying.add_done_callback(self._closing.discard)
        return trying

    async def _close_later(self, row: Row, outcome: Outcome, cause: Exception) -> None:
        trying = self._start_closing(row, outcome)
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                is_closed = await asyncio.shield(trying)
        except TimeoutError:
            is_closed = False
        if not is_closed:
            raise NotRecorded(
                "The tool was called, but how it ended is not recorded yet."
            ) from cause

    async def _keep_closing(self, row: Row, outcome: Outcome) -> bool:
        """Whether it is written: the database may refuse it for good."""
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            try:
                await self._end(row, outcome)
            except DatabaseAway:
                continue
            except JobFailed:
                log.warning("call row cannot be closed", extra={"call": _id_of(row)})
                return False
            return True

    async def _insert(self, facts: CallFacts, outcome: Outcome) -> None:
        if self._lane.waiting >= _MOST_WAITING:
            raise Busy("The gateway has too many calls waiting. Try again in a moment.")
        try:
            await self._lane.write(_ROWS, (facts, outcome))
        except (DatabaseAway, JobFailed) as exc:
            raise NotRecorded(
                "The call could not be recorded, so it was not forwarded. Try again shortly."
            ) from exc


_RUNNING = Outcome(state=ToolCall.State.RUNNING)


def _not_forwarded() -> Outcome:
    return Outcome(
        state=ToolCall.State.FAILED, code=NotRecorded.code, finished_at=timezone.now()
    )


_fact_values = attrgetter(*_FACTS)
_end_values = attrgetter(*_ENDS)


def _statements(rows: Sequence[tuple[Row, Outcome]]) -> list[Statement]:
    """Insert or close the rows, in their order: a call that is cancelled while it is opened does both in one round."""
    return [_statement(row, outcome) for row, outcome in rows]


def _statement(row: Row, outcome: Outcome) -> Statement:
    """One that ends and whose opening is in doubt is given with its facts, and written whether it is there or not.

    The database lets only one of the two insert it, and makes the other wait: no late opening is left without its end.
    """
    if isinstance(row, str):
        return _CLOSE, (*_ending(outcome), row)
    insert = _INSERT if outcome is _RUNNING else _UPSERT
    return insert, (*_opening(row), *_ending(outcome), "")


def _id_of(row: Row) -> str:
    return row if isinstance(row, str) else row.id


def _amendments(closes: Sequence[tuple[str, Outcome]]) -> list[Statement]:
    return [
        (_AMEND, (f"{outcome.state} {outcome.code}".strip(), call_id))
        for call_id, outcome in closes
    ]


def _were_written(items: Sequence[object], answers: Sequence[Answer]) -> list[bool]:
    return [answered.written == 1 for answered in answers]


_ROWS = Batch(_statements, _were_written)
_AMENDMENTS = Batch(_amendments, _were_written)


def _opening(facts: CallFacts) -> tuple[Any, ...]:
    headers = orjson.dumps(facts.headers).decode() if facts.headers else "{}"
    return (*_fact_values(facts), headers, _moment(facts.started_at))


def _ending(outcome: Outcome) -> tuple[Any, ...]:
    return (
        *_end_values(outcome),
        _moment(outcome.finished_at) if outcome.finished_at else None,
    )


def _moment(at: datetime) -> Any:
    """A time in UTC, as Django would hand it to this database."""
    return at if _knows_time_zones() else str(at.replace(tzinfo=None))


@cache
def _knows_time_zones() -> bool:
    """Asked once: asking Django's connection for its vendor takes as long as the rest of a row."""
    return connection.vendor == "postgresql"
