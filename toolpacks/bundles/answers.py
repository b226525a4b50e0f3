"""Plans and runs as REST and the command line show them."""

from typing import Any

from toolpacks.bundles.changes import Change, Plan
from toolpacks.models import BundleOutcome, BundleRun


def plan_json(plan: Plan, key: str) -> dict[str, Any]:
    return {
        "bundleKey": key,
        "counts": plan.counts,
        "changes": [_change(change) for change in plan.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "key": change.key,
        "action": change.action.value,
        "differences": [vars(difference) for difference in change.differences],
        "code": change.code,
        "reason": change.reason,
        "note": change.note,
    }


def run_json(run: BundleRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "bundleKey": run.bundle_key,
        "state": run.state,
        "message": run.message,
        "counts": {
            "total": run.total,
            "applied": run.applied,
            "refused": run.refused,
            "failed": run.failed,
            "unchanged": run.unchanged,
        },
        "profileId": run.created_by_id,
        "source": run.source,
        "createdAt": run.created_at,
        "finishedAt": run.finished_at,
    }


def run_with_outcomes_json(run: BundleRun) -> dict[str, Any]:
    outcomes = BundleOutcome.objects.filter(run=run).order_by("pk")
    return {**run_json(run), "outcomes": [outcome_json(one) for one in outcomes]}


def outcome_json(outcome: BundleOutcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "key": outcome.key,
        "action": outcome.action,
        "state": outcome.state,
        "code": outcome.code,
        "message": outcome.message,
        "resourceId": outcome.resource_id,
    }
