"""The claim under which one worker at a time syncs a tool set, and the events that it leaves.

A claim is taken by compare-and-swap, renewed as the sync goes on, and may be taken over when it was silent too long.
Every taken claim has one `sync_started` and, unless its tool set is deleted, exactly one event that ends it.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from gateway.errors import GatewayError
from gateway.identity.editing import ChangedMeanwhile
from gateway.ids import new_id
from toolsets.models import SyncState, ToolSet, ToolSetEvent

SILENT_AFTER = timedelta(seconds=30)
RENEW_SECONDS = 5.0

_FIRST_RETRY_SECONDS = 30
_LONGEST_RETRY_SECONDS = 3600
_JITTER = 0.2


class ClaimLost(GatewayError):
    """Another worker took the sync over, or its tool set was deleted."""

    code = "claim_lost"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to sync `tool_set`, as it was when the claim was taken."""

    token: str
    tool_set: ToolSet
    due_at: datetime
    failures_before: int
    created_by_id: str


def take(tool_set_id: str, *, at: datetime) -> Claim | None:
    """Claim a sync that is due and that nobody works on, and write that it started. None when there is none."""
    state = (
        SyncState.objects.select_related("tool_set__workspace__account")
        .filter(tool_set__in=ToolSet.objects.due(at=at).filter(pk=tool_set_id))
        .first()
    )
    if state is None or state.due_at is None or is_held(state, at=at):
        return None
    claim = Claim(
        token=new_id("sync"),
        tool_set=state.tool_set,
        due_at=state.due_at,
        failures_before=state.failures_in_a_row,
        created_by_id=state.requested_by_id
        or state.tool_set.workspace.account.system_profile.pk,
    )
    return claim if _swap(state, claim, at=at) else None


def is_held(state: SyncState, *, at: datetime) -> bool:
    """Whether a worker is at it, and was heard not long ago."""
    return state.claimed_at is not None and state.claimed_at > at - SILENT_AFTER


@transaction.atomic
def _swap(state: SyncState, claim: Claim, *, at: datetime) -> bool:
    unchanged = SyncState.objects.filter(
        pk=state.pk,
        due_at=state.due_at,
        claimed_by=state.claimed_by,
        claimed_at=state.claimed_at,
    )
    if not unchanged.update(
        claimed_by=claim.token, claimed_at=at, tools_seen=0, tools_written=0
    ):
        return False
    if state.claimed_by:
        _record(
            claim,
            ToolSetEvent.Type.FAILED,
            error_type="interrupted",
            message="The sync before this one ended with its worker.",
        )
    _record(claim, ToolSetEvent.Type.STARTED, message="The sync started.")
    return True


def renew(claim: Claim, **progress: Any) -> None:
    """Say that the sync goes on, and how far it is.

    Raises:
        ClaimLost: it is no longer ours.
    """
    held = SyncState.objects.filter(pk=claim.tool_set.pk, claimed_by=claim.token)
    if not held.update(**{"claimed_at": timezone.now(), **progress}):
        raise ClaimLost("Another worker took this sync over.")


def write_under(claim: Claim, **progress: Any) -> None:
    """Begin a write that may only happen while the claim holds and the tool set is what it was when it was taken.

    Call it first in the transaction, which the error rolls back.

    Raises:
        ClaimLost: the claim is no longer ours.
        ChangedMeanwhile: the adapter changed, or the set was archived.
    """
    current = ToolSet.objects.active().filter(
        pk=claim.tool_set.pk, adapter_version=claim.tool_set.adapter_version
    )
    held = SyncState.objects.filter(claimed_by=claim.token, tool_set__in=current)
    if held.update(**{"claimed_at": timezone.now(), **progress}):
        return
    renew(claim)
    raise ChangedMeanwhile(
        "The tool set was changed while it was synced, so what was read is dropped. It is synced again."
    )


@transaction.atomic
def complete(
    claim: Claim, *, message: str, tools_synced: int, reached: Mapping[str, str]
) -> None:
    """End the sync well. `reached` tells the `protocol_version` and `transport` that calls shall use.

    Raises:
        ClaimLost, ChangedMeanwhile: as `write_under`.
    """
    now = timezone.now()
    write_under(
        claim,
        **_released(claim, next_due_at=now + _interval(claim.tool_set)),
        **reached,
        last_succeeded_at=now,
        last_error_type="",
        failures_in_a_row=0,
    )
    _record(
        claim,
        ToolSetEvent.Type.COMPLETED,
        message=message,
        tools_synced=tools_synced,
    )


@transaction.atomic
def fail(claim: Claim, *, error_type: str, message: str) -> None:
    """End the sync badly; it is tried again after a time that grows with each failure.

    Raises:
        ClaimLost: the claim is no longer ours.
    """
    now = timezone.now()
    failures = claim.failures_before + 1
    _end_badly(
        claim,
        error_type=error_type,
        message=message,
        next_due_at=now + retry_after(failures, interval=_interval(claim.tool_set)),
        last_failed_at=now,
        last_error_type=error_type,
        failures_in_a_row=failures,
    )


@transaction.atomic
def give_up(claim: Claim, *, error_type: str, message: str) -> None:
    """End the sync for a reason that is not its upstream's; it is due again at once.

    Raises:
        ClaimLost: the claim is no longer ours.
    """
    _end_badly(
        claim, error_type=error_type, message=message, next_due_at=timezone.now()
    )


def _end_badly(
    claim: Claim, *, error_type: str, message: str, next_due_at: datetime, **facts: Any
) -> None:
    renew(claim, **_released(claim, next_due_at=next_due_at), **facts)
    _record(
        claim, ToolSetEvent.Type.FAILED, error_type=error_type, message=message[:2000]
    )


def _released(claim: Claim, *, next_due_at: datetime) -> dict[str, Any]:
    """What lets the claim go. A sync that was asked for meanwhile stays due, with who asked."""
    nobody_asked = When(due_at=claim.due_at, then=Value(next_due_at))
    return {
        "claimed_by": "",
        "claimed_at": None,
        "due_at": Case(nobody_asked, default=F("due_at")),
        "requested_by": Case(
            When(due_at=claim.due_at, then=Value(None)), default=F("requested_by")
        ),
    }


def retry_after(failures: int, *, interval: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: doubling, bounded, and never the same for two sets."""
    interval_seconds = interval.total_seconds()
    first = min(_FIRST_RETRY_SECONDS, interval_seconds)
    longest = max(_LONGEST_RETRY_SECONDS, interval_seconds)
    seconds = min(first * 2 ** min(failures - 1, 16), longest)
    return timedelta(seconds=seconds * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - spreads load, hides nothing


def _interval(tool_set: ToolSet) -> timedelta:
    seconds = tool_set.sync_interval_seconds or settings.SYNC_INTERVAL_SECONDS
    return timedelta(seconds=seconds)


def _record(claim: Claim, kind: ToolSetEvent.Type, **facts: Any) -> None:
    ToolSetEvent.objects.create(
        workspace_id=claim.tool_set.workspace_id,
        tool_set=claim.tool_set,
        type=kind,
        created_by_id=claim.created_by_id,
        **facts,
    )
