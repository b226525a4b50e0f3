"""The heartbeat of a web process, and what becomes of the calls of one that fell silent."""

import asyncio
import logging
import os
import socket
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from gateway.database import DatabaseAway, in_database
from gateway.mcp.models import Process, ToolCall

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
SILENT_AFTER = timedelta(seconds=30)
_ABANDONED_AFTER = timedelta(minutes=11)
_LOST = (  # the state stands in the statement, so that the partial index of running calls serves it
    "UPDATE mcp_toolcall SET state = 'interrupted', code = 'process_lost', finished_at = %s "
    "WHERE state = 'running' AND process_id = %s"
)


def join() -> Process:
    """Write this process's row. An embedded one gives up the calls of its predecessors first: it is their only heir."""
    if settings.EMBEDDED:
        give_up(Process.objects.filter(is_embedded=True))
    return _joined(is_embedded=settings.EMBEDDED)


def join_beside() -> Process:
    """Write the row of a process that runs beside the web processes, such as a command; it is nobody's heir."""
    return _joined(is_embedded=False)


def _joined(*, is_embedded: bool) -> Process:
    now = timezone.now()
    return Process.objects.create(
        host=socket.gethostname()[:200],
        pid=os.getpid(),
        is_embedded=is_embedded,
        started_at=now,
        beat_at=now,
    )


def beat(process: Process) -> None:
    """Renew the heartbeat by the database's clock; a row that was given up meanwhile is written again."""
    if not Process.objects.filter(pk=process.pk).update(beat_at=Now()):
        process.save(force_insert=True)


def leave(process: Process) -> None:
    give_up(Process.objects.filter(pk=process.pk))


def sweep() -> int:
    """Give up the running calls of silent processes and the waiting calls that nobody went on with; how many."""
    silent = Process.objects.filter(beat_at__lt=Now() - SILENT_AFTER)
    return give_up(silent) + _give_up_abandoned()


def give_up(processes: "QuerySet[Process]") -> int:
    """Mark the running calls of these processes as interrupted, and forget the processes."""
    lost = sum(
        _interrupt(_LOST, process_id)
        for process_id in processes.values_list("pk", flat=True)
    )
    if lost:
        log.warning("calls of lost processes given up", extra={"calls": lost})
    return lost


def _interrupt(statement: str, process_id: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            statement,
            [connection.ops.adapt_datetimefield_value(timezone.now()), process_id],
        )
        lost: int = cursor.rowcount
        Process.objects.filter(pk=process_id).delete()
    return lost


def _give_up_abandoned() -> int:
    """Each round of a call may be answered for ten minutes."""
    now = timezone.now()
    before = connection.ops.adapt_datetimefield_value(now - _ABANDONED_AFTER)
    candidates = ToolCall.objects.raw(
        "SELECT id, rounds, started_at FROM mcp_toolcall "
        "WHERE state = 'waiting' AND started_at < %s ORDER BY started_at LIMIT 500",
        [before],
    )
    ids = [
        call.pk
        for call in candidates
        if call.started_at < now - call.rounds * _ABANDONED_AFTER
    ]
    waiting = ToolCall.objects.filter(pk__in=ids, state=ToolCall.State.WAITING)
    changes = {
        "state": ToolCall.State.INTERRUPTED,
        "code": "abandoned",
        "finished_at": now,
    }
    return waiting.update(**changes) if ids else 0


async def beat_forever(process: Process) -> None:
    """Renew the heartbeat every five seconds and give up the calls of others that fell silent, until cancelled."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await in_database(beat, process)
            await in_database(sweep)
        except DatabaseAway:
            log.warning("heartbeat not written")
        except Exception:
            log.exception("heartbeat failed inside the gateway")
