"""The runs of bundles as rows: begun one at a time, claimed for a while, counted, and ended once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.errors import GatewayError, Refused
from gateway.identity.models import Workspace
from gateway.identity.validation import validate_external_id
from gateway.ids import new_id
from toolpacks.bundles.changes import Change
from toolpacks.bundles.resources import Bundle
from toolpacks.models import BundleOutcome, BundleRun

LEASE = timedelta(seconds=30)
_KEPT = 50
_COUNTERS = {
    BundleOutcome.State.APPLIED: "applied",
    BundleOutcome.State.REFUSED: "refused",
    BundleOutcome.State.FAILED: "failed",
}


class BundleBusy(Refused):
    """The bundle is being applied already."""

    code: ClassVar[str] = "bundle_busy"


class RunLost(GatewayError):
    """Another worker took the run over, or it was cancelled."""

    code: ClassVar[str] = "run_lost"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on `run`, until `runs.renew` is late."""

    token: str
    run: BundleRun


def check_key(key: str) -> None:
    """Raise ValidationError unless this can be the key of a bundle."""
    try:
        validate_external_id(key)
    except ValidationError as exc:
        said = (
            "A bundle's key is 1 to 128 letters, digits, dots, underscores or hyphens."
        )
        raise ValidationError({"bundleKey": said}) from exc


def begin(workspace: Workspace, key: str, bundle: Bundle, *, actor: Actor) -> BundleRun:
    """Make a run of the bundle that is due at once; the caller wakes a worker, or does it.

    Raises:
        BundleBusy: a run of this bundle has not ended.
        ValidationError: the key is wrong.
    """
    check_key(key)
    run = BundleRun(
        workspace=workspace,
        bundle_key=key,
        document=bundle.plain,
        due_at=timezone.now(),
        created_by_id=actor.profile_id,
        created_by_label=actor.label[:200],
        created_by_role=actor.role,
        is_by_person=actor.is_person,
        source=actor.source,
        address=actor.address,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            trail.record(actor, "bundle.apply_requested", subject=run, label=key)
    except IntegrityError as exc:
        raise BundleBusy(_busy(workspace, key)) from exc
    return run


def _busy(workspace: Workspace, key: str) -> str:
    unfinished = BundleRun.objects.in_workspace(workspace).filter(
        bundle_key=key, state__in=BundleRun.UNFINISHED
    )
    other = unfinished.first()
    named = f" by {other.created_by_label} (run {other.pk})" if other else ""
    return f"The bundle {key} is being applied already{named}. Wait until that run has ended, then apply again."


def due(*, at: datetime) -> Any:
    """The runs that nobody works on and that have not ended."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=at)
    return BundleRun.objects.filter(
        free, state__in=BundleRun.UNFINISHED, due_at__lte=at
    )


def take(run_id: str, *, at: datetime) -> Claim | None:
    """Claim a run that is due and that nobody works on; None when somebody else was faster."""
    run = due(at=at).select_related("workspace__account").filter(pk=run_id).first()
    if run is None:
        return None
    token = new_id("claim")
    unchanged = BundleRun.objects.filter(
        pk=run.pk,
        state=run.state,
        claimed_by=run.claimed_by,
        claimed_until=run.claimed_until,
    )
    taken = unchanged.update(
        claimed_by=token, claimed_until=at + LEASE, state=BundleRun.State.RUNNING
    )
    return Claim(token=token, run=run) if taken else None


def renew(claim: Claim, *, lease: timedelta = LEASE, **facts: Any) -> None:
    """Keep the claim for another while, and write facts of the run. First in a transaction, it guards what follows.

    Raises:
        RunLost: the claim is no longer ours.
    """
    until = timezone.now() + lease
    if not _held(claim).update(claimed_until=until, **facts):
        raise RunLost("Another worker took this run over, or it was cancelled.")


def count_ahead(claim: Claim, *, total: int, unchanged: int) -> None:
    """Say how much there is to do, the first time that somebody knows it."""
    _held(claim).filter(total=None).update(total=total, unchanged=unchanged)


def decided(claim: Claim) -> set[tuple[str, str]]:
    """The kinds and keys of the resources that have their outcome."""
    outcomes = BundleOutcome.objects.filter(run=claim.run)
    return set(outcomes.values_list("kind", "key"))


@contextmanager
def outcome_of(claim: Claim, change: Change) -> Iterator[BundleOutcome]:
    """One short transaction for what is done about one resource: it is done, counted and written, or none of these.

    The block fills in the outcome.

    Raises:
        RunLost: the claim is no longer ours; nothing was done.
    """
    outcome = BundleOutcome(
        workspace_id=claim.run.workspace_id,
        run=claim.run,
        kind=change.kind,
        key=change.key[:400],
        action=change.action,
        state=BundleOutcome.State.APPLIED,
    )
    with transaction.atomic():
        renew(claim)
        yield outcome
        outcome.save(force_insert=True)
        counter = _COUNTERS[BundleOutcome.State(outcome.state)]
        _held(claim).update(**{counter: F(counter) + 1})


def let_go(claim: Claim) -> None:
    """Leave the run to the next worker, at once."""
    _held(claim).update(claimed_by="", claimed_until=None, due_at=timezone.now())


def cancel(claim: Claim) -> None:
    """End the run where it is."""
    _end(
        claim,
        BundleRun.State.CANCELLED,
        "It was stopped by hand; what was applied stays.",
    )


def finish(claim: Claim) -> None:
    """End the run by what became of its resources."""
    run = BundleRun.objects.get(pk=claim.run.pk)
    went_wrong = run.refused + run.failed
    if not went_wrong:
        _end(claim, BundleRun.State.SUCCEEDED, "")
        return
    some = run.applied or run.unchanged
    state = BundleRun.State.PARTIALLY_APPLIED if some else BundleRun.State.FAILED
    _end(claim, state, f"{went_wrong} of {run.total} changes could not be made.")


def fail(claim: Claim, message: str) -> None:
    """End the run because Toolcrib itself failed."""
    _end(claim, BundleRun.State.FAILED, message)


@transaction.atomic
def _end(claim: Claim, state: BundleRun.State, message: str) -> None:
    renew(
        claim,
        state=state,
        message=message,
        document=None,
        finished_at=timezone.now(),
    )
    _held(claim).update(claimed_by="", claimed_until=None)
    run = BundleRun.objects.select_related("workspace").get(pk=claim.run.pk)
    counts = {name: [None, getattr(run, name)] for name in _COUNTERS.values()}
    trail.record(
        run.actor,
        "bundle.applied",
        subject=run,
        label=run.bundle_key,
        changes={"state": [None, state.value], **counts},
    )
    _forget_old(run)


def _forget_old(run: BundleRun) -> None:
    """Keep the newest runs of each bundle; the audit trail keeps what they did."""
    same = BundleRun.objects.in_workspace(run.workspace_id).filter(
        bundle_key=run.bundle_key
    )
    kept = same.order_by("-pk").values_list("pk", flat=True)[:_KEPT]
    same.exclude(pk__in=list(kept)).delete()


def _held(claim: Claim) -> Any:
    return BundleRun.objects.filter(pk=claim.run.pk, claimed_by=claim.token)
