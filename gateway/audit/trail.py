"""Writes the audit trail, in the transaction of the change that it tells of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.audit.models import AuditEvent


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who makes a change, in which role and from where, in words that outlive them."""

    account_id: str
    workspace_id: str
    profile_id: str
    label: str
    is_person: bool
    role: str = ""
    source: AuditEvent.Source
    address: str = ""


def record(
    actor: Actor,
    action: str,
    *,
    subject: Any,
    label: str = "",
    changes: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write that `actor` did `action` (such as `tool_set.updated`) to `subject`, a saved model instance.

    `changes` maps a field to `[before, after]`; secrets do not belong in it.
    """
    return AuditEvent.objects.create(
        account_id=actor.account_id,
        workspace_id=actor.workspace_id,
        actor_id=actor.profile_id,
        actor_label=actor.label[:200],
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        subject_label=(label or str(subject))[:200],
        changes=dict(changes or {}),
        source=actor.source,
        address=actor.address,
    )


def complete(event: AuditEvent, changes: Mapping[str, Any]) -> None:
    """Add what came of something that was recorded before it began."""
    event.changes = {**event.changes, **changes}
    event.save(update_fields=["changes"])


def last_change(
    subject: Any, fields: Iterable[str], *, since: datetime
) -> AuditEvent | None:
    """The newest event that tells of a change of one of `fields` of `subject`, a row of a workspace, and is not older
    than `since`; None for any other row."""
    workspace_id = getattr(subject, "workspace_id", None)
    if workspace_id is None:
        return None
    recent = AuditEvent.objects.filter(
        workspace_id=workspace_id,
        created_at__gte=since,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        changes__has_any_keys=[*fields],
    )
    return recent.order_by("-created_at", "-pk").first()
