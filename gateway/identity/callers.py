"""The one place where a token, or a person who is signed in, becomes a Caller."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.keys import Claims, TokenInvalid, verify
from gateway.identity.models import ApiKey, ApiKeyRegisteredUser, Membership, Workspace
from gateway.identity.roles import Right, allows

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The profile that makes this request, and what its key or its membership lets it do.

    `allowed_users` is None when the key is not limited to registered users. `expires_at` is a Unix time.
    """

    account_id: str
    workspace_id: str
    profile_id: str
    label: str
    role: str
    is_person: bool
    key_id: str = ""
    scopes: frozenset[str] = frozenset()
    registered_user_id: str = ""
    agent_profile_id: str = ""
    is_limited_to_packs: bool = False
    allowed_users: frozenset[str] | None = None
    expires_at: float | None = None

    def has(self, right: Right) -> bool:
        return allows(self.role, right)

    def may_act_for(self, registered_user_id: str) -> bool:
        """Whether the key may be used on behalf of this registered user."""
        if self.registered_user_id:
            return registered_user_id == self.registered_user_id
        return self.allowed_users is None or registered_user_id in self.allowed_users

    def actor(self, *, source: AuditEvent.Source, address: str = "") -> Actor:
        """This caller as the audit trail names it."""
        return Actor(
            account_id=self.account_id,
            workspace_id=self.workspace_id,
            profile_id=self.profile_id,
            label=self.label,
            is_person=self.is_person,
            role=self.role,
            source=source,
            address=address,
        )


def caller_for_token(token: str, *, at: datetime) -> Caller:
    """The caller behind a bearer token.

    Raises:
        TokenInvalid: forged, expired, rotated away or revoked.
    """
    return caller_for_claims(verify(token), at=at)


def caller_for_claims(claims: Claims, *, at: datetime) -> Caller:
    """The caller of a token whose signature was verified before; reads the key's row.

    Raises:
        TokenInvalid: the key has expired, was rotated or revoked.
    """
    key = (
        ApiKey.objects.in_workspace(claims.workspace_id)
        .select_related("profile")
        .filter(pk=claims.key_id, generation=claims.generation)
        .first()
    )
    if key is None or not key.is_usable(at=at):
        raise TokenInvalid
    return _caller_for_key(key)


def caller_for_person(user: "User", workspace: Workspace) -> Caller | None:
    """The caller of a person who is signed in to the admin; None without a membership in `workspace`."""
    membership = (
        Membership.objects.in_workspace(workspace)
        .select_related("profile")
        .filter(profile__user=user, profile__user__is_active=True)
        .first()
    )
    if membership is None:
        return None
    return Caller(
        account_id=workspace.account_id,
        workspace_id=workspace.pk,
        profile_id=membership.profile_id,
        label=str(membership.profile),
        role=membership.role,
        is_person=True,
    )


def _caller_for_key(key: ApiKey) -> Caller:
    membership = (
        Membership.objects.in_workspace(key.workspace_id)
        .filter(profile_id=key.profile_id)
        .first()
    )
    users = ApiKeyRegisteredUser.objects.filter(api_key=key).values_list(
        "registered_user_id", flat=True
    )
    return Caller(
        account_id=key.profile.account_id,
        workspace_id=key.workspace_id,
        profile_id=key.profile_id,
        label=key.name,
        role=membership.role if membership else "",
        is_person=False,
        key_id=key.pk,
        scopes=frozenset(key.scopes),
        registered_user_id=key.registered_user_id or "",
        agent_profile_id=key.agent_profile_id or "",
        is_limited_to_packs=key.is_limited_to_packs,
        allowed_users=frozenset(users) if key.is_limited_to_users else None,
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
    )
