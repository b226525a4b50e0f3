"""Stores and deletes the secrets that headers name as `${NAME}`; nobody reads a value back.

Whoever writes a secret of a tool set holds the set first.
"""

import re

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.identity.editing import hold
from gateway.identity.models import Workspace
from toolsets.models import Secret, SecretValue, SyncState, ToolSet

_VALUE = re.compile(r"[\x20-\x7e\t]{1,8192}")


def store_secret(
    workspace: Workspace,
    *,
    name: str,
    value: str,
    tool_set: ToolSet | None = None,
    seen: Secret | None = None,
    actor: Actor,
) -> Secret:
    """Give the secret of the tool set, or of the workspace, a value, in place of the one it had.

    Syncs that may have waited for it are due at once. `seen` is the secret whose value it replaces, where that matters.

    Raises:
        ValidationError: `name` or `value` is not allowed. The value is never repeated.
        ChangedMeanwhile: somebody else gave it a value since `seen` was read, or deleted it or the tool set.
    """
    secret = Secret(
        workspace=workspace,
        tool_set=tool_set,
        name=name.upper(),
        created_by_id=actor.profile_id,
    )
    secret.clean_fields(exclude={"workspace", "tool_set", "created_by"})
    if not _VALUE.fullmatch(value):
        raise ValidationError(
            {"value": "A secret is one line of 1 to 8192 printable ASCII characters."}
        )
    with transaction.atomic():
        if tool_set is not None:
            hold(tool_set)
        if seen is not None:
            hold(seen, ["version"])
        kept = _kept(secret)
        SecretValue.objects.update_or_create(secret=kept, defaults={"value": value})
        _make_syncs_due(workspace, tool_set, actor)
        trail.record(
            actor, "secret.stored", subject=kept, changes={"version": kept.version}
        )
    return kept


@transaction.atomic
def delete_secret(secret: Secret, *, actor: Actor) -> None:
    """Take a secret away; headers that name it are refused from now on.

    Raises:
        ChangedMeanwhile: somebody else did.
    """
    if secret.tool_set is not None:
        hold(secret.tool_set)
    hold(secret)
    trail.record(actor, "secret.deleted", subject=secret)
    Secret.objects.in_workspace(secret.workspace_id).filter(pk=secret.pk).delete()


def stored_names(
    workspace: Workspace, tool_set: ToolSet | None
) -> QuerySet[Secret, str]:
    """The names of the secrets that headers of the set, or of a new one, can use now."""
    usable = Q(tool_set__isnull=True)
    if tool_set is not None:
        usable |= Q(tool_set=tool_set)
    rows = Secret.objects.in_workspace(workspace).filter(usable)
    return rows.values_list("name", flat=True)


def _kept(secret: Secret) -> Secret:
    """The secret's row with a new version, made when there is none."""
    rows = Secret.objects.in_workspace(secret.workspace_id).filter(
        tool_set=secret.tool_set, name=secret.name
    )
    if not rows.update(version=F("version") + 1):
        secret.save(force_insert=True)
        return secret
    kept: Secret = rows.get()
    return kept


def _make_syncs_due(
    workspace: Workspace, tool_set: ToolSet | None, actor: Actor
) -> None:
    waiting = SyncState.objects.filter(
        tool_set__workspace=workspace, failures_in_a_row__gt=0
    )
    if tool_set is not None:
        waiting = SyncState.objects.filter(tool_set=tool_set)
    waiting.make_due(at=timezone.now(), requested_by_id=actor.profile_id)
