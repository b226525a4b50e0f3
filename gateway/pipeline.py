"""PostgreSQL on the event loop: a round of many jobs in one journey to the server and back, with no thread between.

All statements of a round are sent at once, prepared, in two parts: the writes, which the server commits together, then the
reads. What is asked for while a round is under way goes in the next. Against a thread with a cursor this saves a call some
60 microseconds and two waits for the interpreter. What the server refuses is done again by the lane's thread, which judges
it; so is everything while the connection is lost.
"""

import asyncio
import contextlib
import itertools
import logging
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer

from gateway.database import DatabaseAway, a_connection_was_lost
from gateway.jobs import (
    AWAY,
    MOST_TOGETHER,
    Answer,
    CommitUnknown,
    Job,
    JobFailed,
    parts_of,
)

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 15.0
_Travelling = tuple[str, Sequence[Any]]
_STALE = {
    b"0A000",
    b"26000",
}  # the plan no longer fits its table; the name is not known
_REFUSED = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED}


class Pipeline:
    """A connection that belongs to the event loop. What is done goes to `on_done`, what is for the thread to `on_undone`.

    After `is_lost` it takes no more.
    """

    def __init__(
        self,
        opened: "psycopg.Connection[Any]",
        *,
        on_done: Callable[[Sequence[Job]], None],
        on_undone: Callable[[Sequence[Job]], None],
    ) -> None:
        self.is_lost = False
        self._connection = opened
        self._wire = opened.pgconn
        self._socket = opened.pgconn.socket
        self._there = select.poll()
        self._there.register(self._socket, select.POLLIN)
        self._wire.nonblocking = 1
        self._wire.enter_pipeline_mode()
        self._statements = _Statements(opened)
        self._on_done = on_done
        self._on_undone = on_undone
        self._waiting: list[Job] = []
        self._under_way: list[_Segment] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._heard)
        self._overdue: asyncio.TimerHandle | None = None

    def takes(self, jobs: Sequence[Job]) -> bool:
        """See that all of them are done; False when the connection is lost."""
        if self.is_lost:
            return False
        self._waiting += jobs
        if not self._under_way:
            self._begin()
        return True

    def close(self) -> None:
        """Close the connection. The fate of writes that were sent is unknown then; nothing else is done."""
        sent, waiting = self._disconnect()
        for job in sent:
            job.error = CommitUnknown() if job.is_write else DatabaseAway(AWAY)
        for job in waiting:
            job.error = DatabaseAway(AWAY)
        if sent or waiting:
            self._on_done([*sent, *waiting])

    def _begin(self) -> None:
        """Send the next round, if anything waits for one."""
        waiting, self._waiting = self._waiting, []
        jobs = waiting[:MOST_TOGETHER]
        if not jobs:
            return
        try:
            segments = [
                _Segment(alike)
                for is_write in (True, False)
                if (alike := [job for job in jobs if job.is_write is is_write])
            ]
            for segment in segments:
                self._statements.translate(segment)
        except Exception:  # noqa: BLE001 - whatever it is, the thread meets it again, and says so
            self._on_undone(waiting)
            return
        self._waiting = waiting[MOST_TOGETHER:]
        self._under_way = segments
        self._overdue = self._loop.call_later(_ANSWER_SECONDS, self._lose)
        try:
            for segment in segments:
                self._statements.send(segment)
                self._wire.pipeline_sync()
            self._flush()
        except psycopg.Error:
            self._lose()

    def _flush(self) -> None:
        """Send what the socket takes now, and the rest when it takes more."""
        if self._wire.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            if not self._wire.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error:
            self._lose()

    def _heard(self) -> None:
        """The server said something, or went away."""
        try:
            self._take_what_is_there()
            while not self.is_lost and self._there.poll(0):
                self._take_what_is_there()
        except psycopg.Error:
            self._lose()

    def _take_what_is_there(self) -> None:
        """Read once. Where a connection breaks behind its last words, uvloop says so only once, and libpq reads only the words."""
        self._wire.consume_input()
        while self._under_way and not self._wire.is_busy():
            self._take(self._wire.get_result())

    def _take(self, result: "pq.abc.PGresult | None") -> None:
        if result is None:  # the end of one statement's results
            return
        if result.status != pq.ExecStatus.PIPELINE_SYNC:
            self._under_way[0].results.append(result)
            return
        segment = self._under_way.pop(0)
        if not self._under_way and self._overdue is not None:
            self._overdue.cancel()
        if segment.is_refused:
            self._refuse(segment)
            return
        segment.settle(self._statements.answers(segment))
        self._on_done(segment.jobs)
        if not self._under_way:
            self._begin()

    def _refuse(self, segment: "_Segment") -> None:
        """The server rolled the segment back. The thread does it again, and then what waits, for nothing may overtake it."""
        if segment.is_stale:
            self._lose(undone=segment.jobs)
            return
        self._statements.forget(segment)
        waiting, self._waiting = self._waiting, []
        self._on_undone([*segment.jobs, *waiting])

    def _lose(self, undone: Sequence[Job] = ()) -> None:
        """Give the connection up. The fate of writes that were sent is unknown; all else is for the thread."""
        log.warning("database connection of calls given up")
        a_connection_was_lost()
        sent, waiting = self._disconnect()
        writes = [job for job in sent if job.is_write]
        for job in writes:
            job.error = CommitUnknown()
        if writes:
            self._on_done(writes)
        reads = [job for job in sent if not job.is_write]
        self._on_undone([*undone, *reads, *waiting])

    def _disconnect(self) -> tuple[list[Job], list[Job]]:
        """Close the connection; gives the jobs that were sent, and those that waited."""
        sent = [job for segment in self._under_way for job in segment.jobs]
        waiting = self._waiting
        self._under_way, self._waiting = [], []
        if self._overdue is not None:
            self._overdue.cancel()
        if sent:
            _let_go(self._wire)
        if not self.is_lost:
            self.is_lost = True
            with contextlib.suppress(OSError, ValueError):
                self._loop.remove_reader(self._socket)
            with contextlib.suppress(OSError, ValueError):
                self._loop.remove_writer(self._socket)
            self._connection.close()
        return sent, waiting


class _Segment:
    """The writes or the reads of one round, and what the server answered so far."""

    __slots__ = ("is_writing", "jobs", "parts", "prepared", "results", "travelling")

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.is_writing = jobs[0].is_write
        self.parts = parts_of(jobs)
        self.travelling: list[_Travelling] = []
        self.prepared: list[str] = []
        self.results: list[pq.abc.PGresult] = []

    @property
    def is_refused(self) -> bool:
        return any(result.status in _REFUSED for result in self.results)

    @property
    def is_stale(self) -> bool:
        codes = [r.error_field(pq.DiagnosticField.SQLSTATE) for r in self.results]
        return any(code in _STALE for code in codes)

    def settle(self, answers: "Iterator[Answer]") -> None:
        for part in self.parts:
            gives = list(itertools.islice(answers, len(part.statements)))
            try:
                part.settle(gives)
            except Exception as exc:
                log.exception("answers of the database not understood")
                name = type(exc).__name__
                part.fail(CommitUnknown() if self.is_writing else JobFailed(name))


class _Statements:
    """Speaks statements to the server, those that it has heard before by name."""

    def __init__(self, opened: "psycopg.Connection[Any]") -> None:
        self._wire = opened.pgconn
        self._types = Transformer(opened)
        self._names: dict[str, bytes] = {}
        self._numbers = itertools.count()

    def translate(self, segment: _Segment) -> None:
        """Bring the values to the form in which they travel. Raises what a value that cannot travel raises."""
        segment.travelling = [
            (text, self._types.dump_sequence(values, [PyFormat.TEXT] * len(values)))
            for part in segment.parts
            for text, values in part.statements
        ]

    def send(self, segment: _Segment) -> None:
        for text, values in segment.travelling:
            name = self._names.get(text)
            if name is None:
                name = self._names[text] = b"round_%d" % next(self._numbers)
                segment.prepared.append(text)
                self._wire.send_prepare(name, _numbered(text))
            self._wire.send_query_prepared(name, values)

    def forget(self, segment: _Segment) -> None:
        """What was to be prepared in a segment that the server refused may not be."""
        for text in segment.prepared:
            del self._names[text]

    def answers(self, segment: _Segment) -> "Iterator[Answer]":
        for result in segment.results:
            rows: Sequence[tuple[Any, ...]] = ()
            if result.status == pq.ExecStatus.TUPLES_OK:
                self._types.set_pgresult(result)
                rows = self._types.load_rows(0, result.ntuples, tuple)
            elif not result.command_status:
                continue  # the answer to a preparation
            yield Answer(result.command_tuples or 0, rows)


def _let_go(wire: "pq.abc.PGconn") -> None:
    """Ask a server that is still at something to leave it, over a connection of its own, which nobody waits for."""
    with contextlib.suppress(psycopg.Error):
        work = wire.get_cancel()
        threading.Thread(target=_cancel, args=[work], daemon=True).start()


def _cancel(work: "pq.abc.PGcancel") -> None:
    with contextlib.suppress(psycopg.Error):
        work.cancel()


def _numbered(statement: str) -> bytes:
    """The statement with the server's own placeholders."""
    first, *others = statement.split("%s")
    numbered = (f"${number}{text}" for number, text in enumerate(others, 1))
    return "".join([first, *numbered]).encode()
