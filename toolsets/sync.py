"""Brings a tool set's tools from its upstream."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from threading import Event
from time import monotonic
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.errors import GatewayError, Refused
from gateway.identity.editing import ChangedMeanwhile
from toolsets import claims, documents, merging
from toolsets.adapters.failures import (
    ListingEmpty,
    ListingFailed,
    ListingInvalid,
    listing_failed,
)
from toolsets.adapters.lister import list_tools
from toolsets.adapters.listing import Listing, OnProgress, Source
from toolsets.claims import Claim, ClaimLost
from toolsets.headers import OpenedHeaders, opened_headers
from toolsets.models import SyncState, ToolSet
from toolsets.usage import note_secret_use

log = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_HEARD_AGAIN_AFTER = timedelta(seconds=10)
_MOST_DOUBLINGS = 8

stopping = Event()
"""Set when this process is about to end: a running sync lets go, and the next worker takes it up."""


class NotSyncable(Refused):
    """The tool set is archived, or its tools do not come from an upstream."""

    code: ClassVar[str] = "not_syncable"


class Interrupted(GatewayError):
    """The process that synced is ending."""

    code: ClassVar[str] = "interrupted"


class Result(Enum):
    """How a run ended."""

    NOT_DUE = "nothing was due, another worker is at it, or this one is stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "another worker took it over, or the tool set is gone"


@dataclass(frozen=True, kw_only=True)
class SyncOutcome:
    """What a run did. `error_type` is empty unless it failed."""

    result: Result
    message: str = ""
    error_type: str = ""
    tools_synced: int = 0
    is_due_again: bool = False


def request_sync(tool_set: ToolSet, *, actor: Actor) -> None:
    """Make the sync of `tool_set` due now; the caller wakes a worker after the commit.

    Raises:
        NotSyncable: there is nothing to sync it from.
    """
    if not tool_set.is_active:
        raise NotSyncable("The tool set is archived. Unarchive it, then sync.")
    if not tool_set.is_syncable:
        raise NotSyncable("Its tools are written by hand, so there is nothing to sync.")
    with transaction.atomic():
        SyncState.objects.bulk_create(
            [
                SyncState(
                    tool_set=tool_set,
                    due_at=timezone.now(),
                    requested_by_id=actor.profile_id,
                )
            ],
            update_conflicts=True,
            unique_fields=["tool_set"],
            update_fields=["due_at", "requested_by"],
        )
        trail.record(actor, "tool_set.sync_requested", subject=tool_set)


def upstream_changed(tool_set_id: str, *, at: datetime) -> bool:
    """An upstream says that its tools changed: make the sync due as soon as that may be. Whether it now is.

    It may be at once, or ten seconds after a sync that ended well; after each failure in a row twice as long. What is said
    while a sync runs is for the next one.
    """
    state = SyncState.objects.filter(pk=tool_set_id).first()
    if state is None or state.due_at is None:
        return False
    is_running = claims.is_held(state, at=at)
    due_at = at + _HEARD_AGAIN_AFTER if is_running else _heard_from(state, at=at)
    is_for_this_run = is_running and state.due_at <= at
    if state.due_at <= due_at and not is_for_this_run:
        return False
    unchanged = SyncState.objects.filter(pk=tool_set_id, due_at=state.due_at)
    return bool(unchanged.update(due_at=due_at, requested_by=None)) and due_at <= at


def _heard_from(state: SyncState, *, at: datetime) -> datetime:
    """From when on an upstream may have itself synced, `at` at the earliest."""
    doublings: int = min(state.failures_in_a_row, _MOST_DOUBLINGS)
    hold = _HEARD_AGAIN_AFTER * (1 << doublings)
    ends = [state.last_succeeded_at, state.last_failed_at]
    return max([at, *(end + hold for end in ends if end is not None)])


def run_sync(tool_set_id: str) -> SyncOutcome:
    """Sync one tool set, if that is due and no other worker is at it. Safe to run any number of times at once.

    What goes wrong with the upstream is an event and an outcome, not an error.
    """
    claim = None if stopping.is_set() else claims.take(tool_set_id, at=timezone.now())
    if claim is None:
        return SyncOutcome(result=Result.NOT_DUE)
    try:
        return _synced(claim)
    except ClaimLost:
        return SyncOutcome(result=Result.LOST)


def _synced(claim: Claim) -> SyncOutcome:
    try:
        listing = _listed(claim)
        tools_synced = len(listing.tools)
        counts = merging.merge(
            claim, listing.tools, between_portions=_stop_when_stopping
        )
        if listing.document:
            _keep_document(claim, listing.document)
        message = _summary(listing, counts)
        claims.complete(
            claim,
            message=message,
            tools_synced=tools_synced,
            reached={
                "protocol_version": listing.protocol_version,
                "transport": listing.transport,
            },
        )
    except ClaimLost:
        raise
    except (ChangedMeanwhile, Interrupted) as exc:
        return _ended(claim, exc.code, exc.message, end=claims.give_up)
    except GatewayError as exc:
        return _ended(claim, exc.code, exc.message, end=claims.fail)
    except Exception:
        log.exception("sync broke", extra={"tool_set": claim.tool_set.pk})
        _ended(claim, "internal", _BROKEN, end=claims.fail)
        raise
    return SyncOutcome(
        result=Result.COMPLETED,
        message=message,
        tools_synced=tools_synced,
        is_due_again=_is_due(claim),
    )


@transaction.atomic
def _keep_document(claim: Claim, document: bytes) -> None:
    claims.write_under(claim)
    documents.consume(claim.tool_set, document)


_BROKEN = "Toolcrib itself failed. Its log has the details."


def _ended(
    claim: Claim, error_type: str, message: str, *, end: Callable[..., None]
) -> SyncOutcome:
    end(claim, error_type=error_type, message=message)
    log.warning(
        "sync failed", extra={"tool_set": claim.tool_set.pk, "error_type": error_type}
    )
    return SyncOutcome(
        result=Result.FAILED,
        error_type=error_type,
        message=message,
        is_due_again=_is_due(claim),
    )


def _is_due(claim: Claim) -> bool:
    due = ToolSet.objects.due(at=timezone.now())
    return due.filter(pk=claim.tool_set.pk).exists()


def _listed(claim: Claim) -> Listing:
    """What the upstream offers, as long as that is something.

    Raises:
        GatewayError: it cannot be listed, or lists nothing; the tools that the set has stay as they are.
    """
    listing = _asked(claim, opened_headers(claim.tool_set))
    if not listing.tools and listing.skipped_count:
        raise ListingInvalid(
            f"None of the {listing.skipped_count} tools that the upstream lists can be used: {_skipped(listing)}"
        )
    if not listing.tools:
        raise ListingEmpty(
            "The upstream lists no tools. The tools that were synced before stay as they are."
        )
    return listing


def _asked(claim: Claim, headers: OpenedHeaders) -> Listing:
    """What the upstream answers, without the secrets that it may have repeated in its words."""
    note_secret_use(headers.used_with(), at=timezone.now())
    source = _source(claim.tool_set, headers.sent)
    try:
        listing = list_tools(source, on_progress=_renewing(claim))
    except ListingFailed as exc:
        raise listing_failed(exc.code, headers.masked(exc.message)) from exc
    listing.skipped = [headers.masked(said) for said in listing.skipped]
    return listing


def _source(tool_set: ToolSet, headers: Mapping[str, str]) -> Source:
    return Source(
        adapter_type=tool_set.adapter_type,
        adapter=_without_headers(documents.adapter_with_document(tool_set)),
        headers=headers,
        networks=tool_set.reachable_networks,
        timeout_seconds=settings.SYNC_TIMEOUT_SECONDS,
        max_tools=settings.SYNC_MAX_TOOLS,
        proxy=settings.UPSTREAM_PROXY,
    )


def _without_headers(adapter: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in adapter.items() if member != "headers"}


def _renewing(claim: Claim) -> OnProgress:
    """Shows progress, keeps the claim, and lets go when it must."""
    shown, renewed_at = 0, monotonic()

    def renew(seen: int) -> None:
        nonlocal shown, renewed_at
        _stop_when_stopping()
        age = monotonic() - renewed_at
        if age > claims.RENEW_SECONDS or (seen != shown and age > _TICK_SECONDS):
            shown, renewed_at = seen, monotonic()
            claims.renew(claim, tools_seen=shown)

    return renew


def _stop_when_stopping() -> None:
    if stopping.is_set():
        raise Interrupted("The worker was stopped. The next one syncs this set again.")


def _summary(listing: Listing, counts: merging.Counts) -> str:
    number = len(listing.tools)
    said = f"{number:,} {'tool' if number == 1 else 'tools'}: {counts}."
    if listing.skipped_count:
        said += f" Skipped {listing.skipped_count}: {_skipped(listing)}"
    return " ".join([said, *listing.notes])


def _skipped(listing: Listing) -> str:
    rest = listing.skipped_count - len(listing.skipped)
    return "; ".join([*listing.skipped, *([f"and {rest} more"] if rest else [])]) + "."
