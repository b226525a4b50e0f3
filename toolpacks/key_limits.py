"""Issues API keys with their limits to packs, in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from gateway.audit.trail import Actor
from gateway.identity.keys import IssuedKey, issue_key
from gateway.identity.models import AgentProfile, ApiKey, RegisteredUser, Workspace
from gateway.identity.roles import Role
from toolpacks.models import ApiKeyPack, ToolPack


def issue_pack_key(
    workspace: Workspace,
    *,
    name: str,
    packs: Sequence[ToolPack] | None,
    scopes: Sequence[str] = (ApiKey.Scope.RUNTIME,),
    role: str = Role.READ_ONLY,
    expires_at: datetime | None,
    registered_user: RegisteredUser | None = None,
    agent_profile: AgentProfile | None = None,
    limited_to_users: Sequence[RegisteredUser] | None = None,
    may_act_as_anyone: bool = False,
    actor: Actor,
) -> IssuedKey:
    """Issue a key that reaches only these packs; `packs` None sets no such limit.

    Raises:
        ValidationError: a field is wrong.
        KeyWithoutLimits: as `issue_key`.
    """
    _check(
        workspace,
        name,
        scopes,
        role,
        [*(packs or ()), *(limited_to_users or ()), registered_user, agent_profile],
    )
    with transaction.atomic():
        issued = issue_key(
            workspace,
            name=name,
            scopes=scopes,
            role=role,
            expires_at=expires_at,
            registered_user=registered_user,
            agent_profile=agent_profile,
            limited_to_users=limited_to_users,
            is_limited_to_packs=packs is not None,
            may_act_as_anyone=may_act_as_anyone,
            actor=actor,
        )
        ApiKeyPack.objects.bulk_create(
            ApiKeyPack(workspace=workspace, api_key=issued.key, pack=pack)
            for pack in packs or ()
        )
    return issued


def _check(
    workspace: Workspace,
    name: str,
    scopes: Sequence[str],
    role: str,
    named: Sequence[ToolPack | RegisteredUser | AgentProfile | None],
) -> None:
    errors = {}
    if not name.strip() or len(name) > 200:
        errors["name"] = "Give the key a name of at most 200 characters."
    if not scopes or set(scopes) - set(ApiKey.Scope.values):
        errors["scopes"] = f"Give at least one of {', '.join(ApiKey.Scope.values)}."
    if role not in Role.values:
        errors["role"] = f"Give one of {', '.join(Role.values)}."
    if any(row is not None and row.workspace_id != workspace.pk for row in named):
        errors["limits"] = "This workspace has no such pack, user or agent profile."
    if errors:
        raise ValidationError(errors)
