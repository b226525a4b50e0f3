"""Issues API keys with their limits to packs, in one transaction, and never wider than whoever asks for them."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.callers import Caller
from gateway.identity.keys import IssuedKey, issue_key
from gateway.identity.models import AgentProfile, ApiKey, RegisteredUser, Workspace
from gateway.identity.roles import Role, covers
from toolpacks.models import ApiKeyPack, ToolPack


class WiderThanYourself(Refused):
    """The key could do more than whoever asks for it."""

    code = "wider_than_yourself"


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
    issuer: Caller | None = None,
    actor: Actor,
) -> IssuedKey:
    """Issue a key that reaches only these packs; `packs` None sets no such limit.

    `issuer` is the caller who asks for the key; only the installation itself, as in a command, has none.

    Raises:
        ValidationError: a field is wrong.
        KeyWithoutLimits: as `issue_key`.
        WiderThanYourself: the key's role, packs or users go beyond the issuer's.
    """
    users = [registered_user] if registered_user else limited_to_users
    _check(name, scopes, role, expires_at)
    _check_workspace(workspace, [*(packs or ()), *(users or ())], agent_profile)
    if issuer is not None:
        require_within(issuer, scopes=scopes, role=role, packs=packs, users=users)
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


def require_within(
    issuer: Caller,
    *,
    scopes: Sequence[str],
    role: str,
    packs: Sequence[ToolPack] | None,
    users: Sequence[RegisteredUser] | None,
) -> None:
    """Refuse a key with this role and these limits to an issuer who has less. Limits are about the runtime only.

    Raises:
        WiderThanYourself: it goes beyond the issuer's own role, packs or users.
    """
    require_role(issuer, role)
    if ApiKey.Scope.RUNTIME not in scopes:
        return
    if issuer.is_limited_to_packs and not _are_within(packs, _packs_of(issuer)):
        raise WiderThanYourself("Your own key is limited to packs. Choose among them.")
    allowed = {issuer.registered_user_id} - {""} or issuer.allowed_users
    if allowed is not None and not _are_within(users, allowed):
        raise WiderThanYourself(
            "Your own key is limited to registered users. Choose among them."
        )


def require_role(issuer: Caller, role: str) -> None:
    """Refuse a token with this role to an issuer whose own does not cover it.

    Raises:
        WiderThanYourself: it does not.
    """
    if not covers(issuer.role, role):
        raise WiderThanYourself(
            f"Your role {issuer.role} does not cover the role {role}. Choose a role that yours covers."
        )


def _are_within(
    chosen: Sequence[ToolPack] | Sequence[RegisteredUser] | None,
    allowed: set[str] | frozenset[str],
) -> bool:
    return chosen is not None and {str(row.pk) for row in chosen} <= allowed


def _packs_of(issuer: Caller) -> set[str]:
    limits = ApiKeyPack.objects.filter(api_key_id=issuer.key_id)
    return {str(pack) for pack in limits.values_list("pack_id", flat=True)}


def _check(
    name: str, scopes: Sequence[str], role: str, expires_at: datetime | None
) -> None:
    errors = {}
    if not name.strip() or len(name) > 200:
        errors["name"] = "Give the key a name of at most 200 characters."
    if not scopes or set(scopes) - set(ApiKey.Scope.values):
        errors["scopes"] = f"Give at least one of {', '.join(ApiKey.Scope.values)}."
    if role not in Role.values:
        errors["role"] = f"Give one of {', '.join(Role.values)}."
    if expires_at is not None and expires_at <= timezone.now():
        errors["expires_at"] = "Give a time that is still to come."
    if errors:
        raise ValidationError(errors)


def _check_workspace(
    workspace: Workspace,
    limits: Sequence[ToolPack | RegisteredUser],
    agent_profile: AgentProfile | None,
) -> None:
    if any(row.workspace_id != workspace.pk for row in limits):
        raise ValidationError(
            {"limits": "This workspace has no such tool pack or registered user."}
        )
    if agent_profile is not None and agent_profile.workspace_id != workspace.pk:
        raise ValidationError(
            {"agent_profile": "This workspace has no such agent profile."}
        )
