"""Writes the rows of tool calls durably: many calls share a transaction, and nobody waits when the writer is idle.

A row is committed as `running` before its upstream is contacted, and closed by compare-and-swap whatever happens. One
thread with one connection does all of it; what it cannot write yet, it keeps and tries again.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)

from gateway.errors import GatewayError, Refused
from gateway.mcp.models import ToolCall

log = logging.getLogger(__name__)

_MOST_WAITING = 20_000
_MOST_TOGETHER = 256
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
_CLOSE = (
    f"UPDATE mcp_toolcall SET {', '.join(f'{column} = %s' for column in _ENDS)}, finished_at = %s "  # noqa: S608
    "WHERE id = %s AND state = 'running'"
)
_AMEND = (
    "UPDATE mcp_toolcall SET amendment = %s "
    "WHERE id = %s AND state = 'interrupted' AND code = 'process_lost' AND amendment = ''"
)


@dataclass(slots=True)
class _Write:
    """One statement of a batch, and who waits for its commit."""

    statement: str
    values: tuple[Any, ...]
    done: "asyncio.Future[None]"
    amendment: tuple[str, str] | None = None


class RecordWriter:
    """The writer of one process. `start` and the coroutines belong to one event loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._kept: list[_Write] = []
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._work, name="record-writer", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Write what is waiting, then end the thread."""
        self._queue.put(None)
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(
                None, self._thread.join, 5.0
            )

    async def open(self, facts: CallFacts) -> None:
        """Commit the call's row as running.

        Raises:
            NotRecorded: the database does not take it.
            Busy: too many calls are waiting.
        """
        await self._insert(facts, Outcome(state=ToolCall.State.RUNNING))

    async def refuse(self, facts: CallFacts, outcome: Outcome) -> None:
        """Commit the row of a call that ended before it was forwarded. Raises as `open` does."""
        await self._insert(facts, outcome)

    async def close(self, call_id: str, outcome: Outcome) -> None:
        """Commit how a running call ended; if its row was given up meanwhile, add the outcome as an amendment.

        Raises:
            NotRecorded: it is not written yet; the writer goes on trying.
        """
        values = (*_ends(outcome), call_id)
        told = f"{outcome.state} {outcome.code}".strip()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._write(_CLOSE, values, amendment=(told, call_id))
        except TimeoutError as exc:
            raise NotRecorded(
                "The tool was called, but how it ended is not recorded yet."
            ) from exc

    async def _insert(self, facts: CallFacts, outcome: Outcome) -> None:
        if self._waiting >= _MOST_WAITING:
            raise Busy("The gateway has too many calls waiting. Try again in a moment.")
        values = (
            *(getattr(facts, name) for name in _FACTS),
            *_json_and_start(facts),
            *_ends(outcome),
            "",
        )
        try:
            await self._write(_INSERT, values)
        except DatabaseError as exc:
            raise NotRecorded(
                "The call could not be recorded, so it was not forwarded. Try again shortly."
            ) from exc

    def _write(
        self,
        statement: str,
        values: tuple[Any, ...],
        amendment: tuple[str, str] | None = None,
    ) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._queue.put(_Write(statement, values, done, amendment))
        return done

    # --- on the writer's thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._settle(batch, self._commit(batch))
        connection.close()

    def _next_batch(self) -> list[_Write] | None:
        batch, self._kept = self._kept, []
        try:
            first = self._queue.get(timeout=_RETRY_SECONDS if batch else None)
        except queue.Empty:
            return batch
        if first is None:
            return None
        batch.append(first)
        while len(batch) < _MOST_TOGETHER:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            batch.append(following)
        return batch

    def _commit(self, batch: Sequence[_Write]) -> dict[int, DatabaseError]:
        """Write the batch in one transaction; what fails by itself is found by writing each alone."""
        try:
            _write_together(batch)
        except (OperationalError, InterfaceError) as exc:
            connection.close()
            log.warning(
                "call rows not written",
                extra={"rows": len(batch), "cause": type(exc).__name__},
            )
            return {id(write): _as_database_error(exc) for write in batch}
        except DatabaseError:
            return self._commit_alone(batch)
        return {}

    def _commit_alone(self, batch: Sequence[_Write]) -> dict[int, DatabaseError]:
        failed: dict[int, DatabaseError] = {}
        for write in batch:
            try:
                _write_together([write])
            except DatabaseError as exc:
                log.exception("call row not written")
                failed[id(write)] = exc
        return failed

    def _settle(
        self, batch: Sequence[_Write], failed: dict[int, DatabaseError]
    ) -> None:
        """Tell those who wait; a close that the database did not take is kept."""
        kept = [
            write
            for write in batch
            if id(write) in failed and write.statement is _CLOSE
        ]
        self._kept = kept
        settled = [write for write in batch if write not in kept]
        if self._loop is not None and settled:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._tell, settled, failed)
        if kept:
            time.sleep(_RETRY_SECONDS)

    # --- on the event loop -------------------------------------------------------------------------------------------

    def _tell(
        self, settled: Sequence[_Write], failed: dict[int, DatabaseError]
    ) -> None:
        self._waiting -= len(settled)
        for write in settled:
            if write.done.done():
                continue
            if (error := failed.get(id(write))) is not None:
                write.done.set_exception(error)
            else:
                write.done.set_result(None)


def _write_together(batch: Sequence[_Write]) -> None:
    opens = [write.values for write in batch if write.statement is _INSERT]
    closes = [write for write in batch if write.statement is _CLOSE]
    with transaction.atomic(), connection.cursor() as cursor:
        if opens:
            cursor.executemany(_INSERT, opens)
        if closes:
            cursor.executemany(_CLOSE, [write.values for write in closes])
            if cursor.rowcount < len(closes):
                cursor.executemany(_AMEND, [write.amendment for write in closes])


def _as_database_error(exc: Exception) -> DatabaseError:
    return exc if isinstance(exc, DatabaseError) else DatabaseError(str(exc))


def _json_and_start(facts: CallFacts) -> tuple[str, Any]:
    headers = orjson.dumps(facts.headers).decode() if facts.headers else "{}"
    return headers, _moment(facts.started_at)


def _ends(outcome: Outcome) -> tuple[Any, ...]:
    finished = _moment(outcome.finished_at) if outcome.finished_at else None
    return (*(getattr(outcome, name) for name in _ENDS), finished)


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)
