"""What the dashboard says about the sync of a tool set."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from django.utils.safestring import SafeString

from gateway.identity.admin_display import chip
from toolsets.models import SyncState, Tool, ToolSet, ToolSetEvent

TONES = {
    "new": "",
    "queued": "busy",
    "syncing": "busy",
    "healthy": "good",
    "stale": "warn",
    "failing": "bad",
    "needs_credential": "bad",
    "archived": "",
    "unsynced": "",
}
EVENT_TONES = {
    ToolSetEvent.Type.STARTED: "busy",
    ToolSetEvent.Type.COMPLETED: "good",
    ToolSetEvent.Type.FAILED: "bad",
}
TOOL_TONES = {
    Tool.Status.AVAILABLE: "good",
    Tool.Status.FILTERED: "",
    Tool.Status.OMITTED: "warn",
    Tool.Status.ARCHIVED: "",
}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The sync of one tool set now, as the page that follows it reads it."""

    state: str
    text: str
    stamp: str


def state_of(tool_set: ToolSet, *, at: datetime | None = None) -> str:
    """`archived`, `queued`, or the health of its sync."""
    sync = sync_of(tool_set)
    if not tool_set.is_active:
        return "archived"
    if sync is None:
        return "unsynced"
    is_due = sync.due_at is not None and sync.due_at <= (at or timezone.now())
    return "queued" if is_due and sync.claimed_at is None else sync.health


def sync_of(tool_set: ToolSet) -> SyncState | None:
    """The state of its sync; None for a set that has none yet."""
    try:
        return tool_set.sync
    except ObjectDoesNotExist:
        return None


def is_troubled(tool_set: ToolSet) -> bool:
    """Whether its last sync failed, even while the next one waits or runs."""
    sync = sync_of(tool_set)
    return tool_set.is_active and sync is not None and sync.failures_in_a_row > 0


def health_chip(tool_set: ToolSet) -> SafeString:
    state = state_of(tool_set)
    return chip(spoken_state(state), TONES[state])


def spoken_state(state: str) -> str:
    return state.replace("_", " ").capitalize()


def tool_chip(tool: Tool) -> SafeString:
    return chip(Tool.Status(tool.status).label, TOOL_TONES[Tool.Status(tool.status)])


def progress(tool_set: ToolSet) -> Progress:
    """How far the sync is, in words; `stamp` changes whenever a run has ended."""
    sync, state = sync_of(tool_set), state_of(tool_set)
    ended = [sync.last_succeeded_at, sync.last_failed_at] if sync else []
    return Progress(
        state=state,
        text=_words(sync, state),
        stamp="|".join(str(moment) for moment in ended),
    )


def _words(sync: SyncState | None, state: str) -> str:
    if sync is None or state not in {"queued", "syncing"}:
        return ""
    if state == "queued":
        return "Waiting for a worker…" + _waited(sync)
    seen, written = sync.tools_seen, sync.tools_written
    if not seen:
        return "Asking the upstream for its tools…"
    return f"Syncing: {seen:,} tools seen, {written:,} written…"


def _waited(sync: SyncState) -> str:
    if sync.due_at is None or timezone.now() - sync.due_at < timedelta(minutes=1):
        return ""
    return " It has waited for more than a minute: is a worker running?"


def events_of(tool_set: ToolSet, *, limit: int, before: str = "") -> list[Any]:
    """The newest lines of its history, newest first; ids sort by when they were made."""
    rows = ToolSetEvent.objects.filter(tool_set=tool_set)
    if before:
        rows = rows.filter(pk__lt=before)
    events: list[Any] = list(rows.select_related("created_by").order_by("-pk")[:limit])
    for event in events:
        event.tone = EVENT_TONES[ToolSetEvent.Type(event.type)]
    return events
