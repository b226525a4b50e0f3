"""Applies a bundle: plans anew before each stage, then brings one resource after another to what is wanted.

Whoever holds the claim does it, and whoever takes it over goes on: what was applied is found as it is wanted.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import timezone

from gateway.audit.trail import Actor
from gateway.errors import GatewayError, Refused
from gateway.identity.editing import settled
from gateway.identity.models import Workspace
from toolpacks.bundles import effecting, runs
from toolpacks.bundles.changes import Action, Change, Kind, Plan
from toolpacks.bundles.holding import holding_of
from toolpacks.bundles.permitting import permitted
from toolpacks.bundles.planning import plan_of
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.resources import Bundle
from toolpacks.bundles.runs import Claim
from toolpacks.bundles.syntax import node_of
from toolpacks.models import BundleOutcome, BundleRun
from toolsets.documents import Taken
from toolsets.models import SyncState
from toolsets.sync import Result, run_sync

log = logging.getLogger(__name__)
stopping = Event()

_LOOK_AGAIN_SECONDS = 0.5
_EMPTY = (
    "The bundle names nothing, so all that it owns would be archived. "
    "Say so if that is meant; otherwise look whether its files are where they should be."
)
_BROKEN = "Toolcrib itself failed. Its log has the details."

OnProgress = Callable[[int, int], None]


def request(
    workspace: Workspace,
    key: str,
    bundle: Bundle,
    *,
    may_be_empty: bool = False,
    actor: Actor,
) -> tuple[BundleRun, Plan]:
    """Make a run of the bundle, with what it will do; the caller does it, or wakes a worker.

    Raises:
        ValidationError: the key is wrong, or the bundle is empty and would archive everything that it owns.
        BundleBusy: a run of this bundle has not ended.
    """
    runs.check_key(key)
    plan = plan_now(workspace, key, bundle, actor=actor)
    if plan.counts["archive"] and not bundle and not may_be_empty:
        raise ValidationError({"allowEmpty": _EMPTY})
    return runs.begin(workspace, key, bundle, actor=actor), plan


def plan_now(workspace: Workspace, key: str, bundle: Bundle, *, actor: Actor) -> Plan:
    """What applying the bundle would do now, by the hand of `actor`."""
    holding = holding_of(workspace, key, bundle)
    return permitted(plan_of(bundle, holding, key=key), holding, actor=actor)


def run_bundle(
    run_id: str, *, on_progress: OnProgress = lambda done, total: None
) -> None:
    """Do a run, if it is due and nobody else is at it. Safe to call any number of times at once.

    What goes wrong with a resource is its outcome, not an error. `on_progress` hears how many of how many are decided.

    Raises:
        KeyboardInterrupt: a person stopped it; the run is cancelled.
    """
    claim = None if stopping.is_set() else runs.take(run_id, at=timezone.now())
    if claim is None:
        return
    try:
        _apply(claim, on_progress)
    except runs.RunLost:
        log.warning("bundle run lost", extra={"run": run_id})
    except KeyboardInterrupt:
        runs.cancel(claim)
        raise
    except OperationalError:
        raise  # the database is away; when it is back, the sweep finds the run again
    except Exception:
        log.exception("bundle run broke", extra={"run": run_id})
        runs.fail(claim, _BROKEN)
        raise


def _apply(claim: Claim, on_progress: OnProgress) -> None:
    bundle = read_bundle([node_of(claim.run.document)])
    first = _planned(claim, bundle)
    runs.count_ahead(claim, total=len(first.ahead), unchanged=first.counts["unchanged"])
    decided = runs.decided(claim)
    for stage in (_is_set, _is_tool, _is_pack, _is_archived):
        runs.renew(claim)
        for change in filter(stage, _planned(claim, bundle).ahead):
            if stopping.is_set():
                runs.let_go(claim)
                return
            if (change.kind.value, change.key[:400]) not in decided:
                decided.add((change.kind.value, change.key[:400]))
                _decide(claim, change)
                on_progress(len(decided), len(first.ahead))
        if stage is _is_set:
            _sync_what_is_awaited(claim, bundle)
    runs.finish(claim)


def _planned(claim: Claim, bundle: Bundle) -> Plan:
    run = claim.run
    return plan_now(run.workspace, run.bundle_key, bundle, actor=run.actor)


def _is_set(change: Change) -> bool:
    return change.kind is Kind.TOOL_SET and not _is_archived(change)


def _is_tool(change: Change) -> bool:
    return change.kind is Kind.TOOL and not _is_archived(change)


def _is_pack(change: Change) -> bool:
    return change.kind is Kind.TOOL_PACK and not _is_archived(change)


def _is_archived(change: Change) -> bool:
    return change.action is Action.ARCHIVE


def _decide(claim: Claim, change: Change) -> None:
    """Bring one resource to what is wanted, and write what became of it."""
    try:
        adapter = effecting.taken(change)
        settled(lambda: _bring(claim, change, adapter))
    except runs.RunLost:
        raise
    except Refused as exc:
        _write_off(claim, change, BundleOutcome.State.REFUSED, exc.code, exc.message)
    except ValidationError as exc:
        said = "; ".join(_spoken(exc))
        _write_off(claim, change, BundleOutcome.State.FAILED, "invalid_argument", said)
    except GatewayError as exc:
        _write_off(claim, change, BundleOutcome.State.FAILED, exc.code, exc.message)


def _bring(claim: Claim, change: Change, adapter: Taken | None) -> None:
    with runs.outcome_of(claim, change) as outcome:
        if change.action is Action.REFUSED:
            outcome.state = BundleOutcome.State.REFUSED
            outcome.code, outcome.message = change.code, change.reason
        else:
            row = effecting.effect(change, claim.run, adapter=adapter)
            outcome.resource_id = str(row.pk)


def _write_off(
    claim: Claim, change: Change, state: BundleOutcome.State, code: str, message: str
) -> None:
    with runs.outcome_of(claim, change) as outcome:
        outcome.state, outcome.code, outcome.message = state, code, message[:2000]


def _spoken(error: ValidationError) -> Iterator[str]:
    if not hasattr(error, "error_dict"):
        yield from error.messages
        return
    for field, texts in error.message_dict.items():
        yield f"{field}: {' '.join(texts)}"


def _sync_what_is_awaited(claim: Claim, bundle: Bundle) -> None:
    """Sync the sets whose tools are named and not there yet, ourselves or by waiting for who is at it."""
    ahead = _planned(claim, bundle).ahead
    awaited = {
        name for change in ahead if change.awaits_sync for name in _sets_of(change)
    }
    holding = holding_of(claim.run.workspace, claim.run.bundle_key, bundle)
    for name in sorted(awaited & {*holding.tool_sets}):
        tool_set = holding.tool_sets[name]
        if tool_set.is_active and tool_set.pk not in holding.settled:
            _sync(claim, tool_set.pk)


def _sets_of(change: Change) -> list[str]:
    if change.kind is Kind.TOOL:
        return [change.key.partition("/")[0]]
    return list(change.wanted.document.get("connectors", {})) if change.wanted else []


def _sync(claim: Claim, tool_set_id: str) -> None:
    lease = timedelta(seconds=settings.SYNC_TIMEOUT_SECONDS) + runs.LEASE
    deadline = timezone.now() + lease
    while _is_pending(tool_set_id) and timezone.now() < deadline:
        runs.renew(claim, lease=lease)
        outcome = run_sync(tool_set_id)
        if outcome.result is not Result.NOT_DUE or stopping.is_set():
            break
        time.sleep(_LOOK_AGAIN_SECONDS)
    runs.renew(claim)


def _is_pending(tool_set_id: str) -> bool:
    state = SyncState.objects.filter(pk=tool_set_id).first()
    if state is None:
        return False
    is_due = state.due_at is not None and state.due_at <= timezone.now()
    return is_due or state.claimed_at is not None
