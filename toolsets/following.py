"""Follows a sync that was asked for until it ends, whoever does it: a worker, or this process itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import ClassVar

from django.db import connection

from gateway.errors import GatewayError
from gateway.identity.editing import ChangedMeanwhile
from toolsets import sync
from toolsets.models import SyncState, ToolSet, ToolSetEvent

_LOOK_SECONDS = 0.2
_AGAIN_SECONDS = 1.0
_DUE_AGAIN = {ChangedMeanwhile.code, sync.Interrupted.code}
_REMEMBERED = 20


class SyncNotEnded(GatewayError):
    """The sync did not end in the time that one was ready to wait."""

    code: ClassVar[str] = "sync_not_ended"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a sync is."""

    is_taken: bool
    tools_seen: int
    tools_written: int


def known_events(tool_set: ToolSet) -> frozenset[str]:
    """The newest events before a sync is asked for; `follow` looks at later ones."""
    events = ToolSetEvent.objects.in_workspace(tool_set.workspace_id)
    newest = events.filter(tool_set=tool_set).order_by("-pk")[:_REMEMBERED]
    return frozenset(newest.values_list("pk", flat=True))


def follow(
    tool_set: ToolSet,
    *,
    known: frozenset[str],
    on_progress: Callable[[Progress], None],
    timeout_seconds: float,
) -> ToolSetEvent:
    """Wait for a sync that began after the `known` events; the event that ended it.

    Raises:
        SyncNotEnded: it takes longer than `timeout_seconds`, or the tool set is gone.
    """
    deadline = time.monotonic() + timeout_seconds
    while (end := _end(tool_set, known)) is None:
        progress = _progress(tool_set)
        on_progress(progress)
        if time.monotonic() > deadline:
            raise SyncNotEnded(_WORKS if progress.is_taken else _WAITS)
        time.sleep(_LOOK_SECONDS)
    return end


_WORKS = "The sync is still under way. It goes on by itself; the set's events say how it ends."
_WAITS = (
    "No worker took the sync up. Is one running? The sync stays due until one does it."
)


@contextmanager
def working_on(tool_set: ToolSet) -> Iterator[None]:
    """Do what is due of the set on a thread of this process, as a worker would, as long as the block runs."""
    ending = Event()

    def work() -> None:
        try:
            while not ending.is_set():
                sync.run_sync(tool_set.pk)
                ending.wait(_AGAIN_SECONDS)
        finally:
            connection.close()

    thread = Thread(target=work, name="sync")
    thread.start()
    try:
        yield
    except BaseException:
        sync.stopping.set()  # what runs lets go, and is due again
        raise
    finally:
        ending.set()
        thread.join()
        sync.stopping.clear()


def _end(tool_set: ToolSet, known: frozenset[str]) -> ToolSetEvent | None:
    """The end of the first run since that was not given up. A run that had begun before does not count."""
    events = ToolSetEvent.objects.in_workspace(tool_set.workspace_id)
    has_started = False
    for event in events.filter(tool_set=tool_set).exclude(pk__in=known).order_by("pk"):
        if event.type == ToolSetEvent.Type.STARTED:
            has_started = True
        elif has_started and event.error_type not in _DUE_AGAIN:
            found: ToolSetEvent = event
            return found
    return None


def _progress(tool_set: ToolSet) -> Progress:
    state = SyncState.objects.filter(pk=tool_set.pk).first()
    if state is None:
        raise SyncNotEnded("The tool set was deleted.")
    return Progress(
        is_taken=bool(state.claimed_by),
        tools_seen=max(state.tools_seen, state.tools_written),
        tools_written=state.tools_written,
    )
