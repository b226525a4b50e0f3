"""The life of an API key: issued, shown once as a signed token, rotated, revoked; and what a token claims."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.encryption import derived_keys, key_name
from gateway.errors import Refused
from gateway.identity.models import (
    AgentProfile,
    ApiKey,
    ApiKeyRegisteredUser,
    Membership,
    Profile,
    RegisteredUser,
    Workspace,
)

DEFAULT_LIFETIME = timedelta(days=90)
_ISSUER = _AUDIENCE = "toolcrib"
_PURPOSE = "api-key-signing"


class TokenInvalid(Refused):
    """The token is not one of ours, is damaged, or no longer stands for a key."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__(
            "The bearer token is not valid. Ask an operator for a new API key."
        )


class KeyRevoked(Refused):
    """The key was revoked, which is final."""

    code = "api_key_revoked"


class KeyWithoutLimits(Refused):
    """A runtime key that could act as anyone was not asked for in words."""

    code = "api_key_without_limits"


@dataclass(frozen=True, kw_only=True)
class IssuedKey:
    """A key and its token, which nobody can read again."""

    key: ApiKey
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a token with a good signature says. Whether its key still stands, the row says."""

    key_id: str
    workspace_id: str
    generation: int
    expires_at: float | None


@transaction.atomic
def issue_key(
    workspace: Workspace,
    *,
    name: str,
    scopes: Sequence[str],
    role: str,
    expires_at: datetime | None,
    registered_user: RegisteredUser | None = None,
    agent_profile: AgentProfile | None = None,
    limited_to_users: Sequence[RegisteredUser] | None = None,
    is_limited_to_packs: bool = False,
    may_act_as_anyone: bool = False,
    actor: Actor,
) -> IssuedKey:
    """Make a key and its principal. `role` is what the key may do over REST.

    `limited_to_users` is None for a key without such a limit; an empty list is a limit that allows nobody.

    Raises:
        KeyWithoutLimits: a runtime key has neither a user nor a limit, and `may_act_as_anyone` was not said.
    """
    is_bound = registered_user is not None or limited_to_users is not None
    if ApiKey.Scope.RUNTIME in scopes and not (
        is_bound or is_limited_to_packs or may_act_as_anyone
    ):
        raise KeyWithoutLimits(
            "A runtime key without limits can act as any registered user. "
            "Limit it to packs or users, or say that it may act as anyone."
        )
    profile = Profile.objects.create(
        account=workspace.account, type=Profile.Type.API_KEY, name=name
    )
    Membership.objects.create(workspace=workspace, profile=profile, role=role)
    key = ApiKey.objects.create(
        workspace=workspace,
        profile=profile,
        name=name,
        scopes=sorted(set(scopes)),
        is_limited_to_packs=is_limited_to_packs,
        is_limited_to_users=limited_to_users is not None,
        registered_user=registered_user,
        agent_profile=agent_profile,
        signed_with=signing_keys()[0],
        created_by_id=actor.profile_id,
        expires_at=expires_at,
    )
    ApiKeyRegisteredUser.objects.bulk_create(
        ApiKeyRegisteredUser(workspace=workspace, api_key=key, registered_user=user)
        for user in limited_to_users or []
    )
    trail.record(
        actor,
        "api_key.created",
        subject=key,
        changes={"scopes": [None, key.scopes], "role": [None, role]},
    )
    return IssuedKey(key=key, token=_token(key))


@transaction.atomic
def rotate_key(key: ApiKey, *, actor: Actor) -> IssuedKey:
    """Give the key a new token; the old one stops working at once.

    Raises:
        KeyRevoked: revoking is final.
    """
    standing = ApiKey.objects.filter(
        pk=key.pk, revoked_at=None, generation=key.generation
    )
    if not standing.update(
        generation=F("generation") + 1, signed_with=signing_keys()[0]
    ):
        raise KeyRevoked(
            "This key was revoked or rotated in the meantime. Make a new key instead."
        )
    key.refresh_from_db()
    trail.record(actor, "api_key.rotated", subject=key)
    return IssuedKey(key=key, token=_token(key))


@transaction.atomic
def revoke_key(key: ApiKey, *, actor: Actor) -> None:
    """End the key for good. Revoking it twice changes nothing."""
    now = timezone.now()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        trail.record(actor, "api_key.revoked", subject=key)
    key.refresh_from_db()


def verify(token: str) -> Claims:
    """The claims of a token whose signature is ours. Its expiry is for the caller to compare, on every request.

    Raises:
        TokenInvalid: it is anything else.
    """
    try:
        signer = _signers()[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            signer,
            algorithms=["HS256"],
            issuer=_ISSUER,
            audience=_AUDIENCE,
            options={
                "require": ["sub", "ws", "gen", "iss", "aud"],
                "verify_exp": False,
            },
        )
        return Claims(
            key_id=str(claims["sub"]),
            workspace_id=str(claims["ws"]),
            generation=int(claims["gen"]),
            expires_at=float(claims["exp"]) if "exp" in claims else None,
        )
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as exc:
        raise TokenInvalid from exc


def signing_keys() -> list[str]:
    """The names of the keys that sign tokens, newest first; a token whose key is dropped from the ring is void."""
    return list(_signers())


def living_by_signing_key(*, at: datetime) -> Counter[str]:
    """How many usable API keys have a token signed with each key, by its name; "" for those made before it was noted."""
    living = ApiKey.objects.filter(revoked_at=None).exclude(expires_at__lte=at)
    counted = living.values("signed_with").annotate(count=Count("pk"))
    return Counter(dict(counted.values_list("signed_with", "count")))


def _token(key: ApiKey) -> str:
    kid, signer = next(iter(_signers().items()))
    claims: dict[str, Any] = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": key.pk,
        "ws": key.workspace_id,
        "gen": key.generation,
        "iat": int(timezone.now().timestamp()),
    }
    if key.expires_at is not None:
        claims["exp"] = key.expires_at.timestamp()
    return jwt.encode(claims, signer, algorithm="HS256", headers={"kid": kid})


def _signers() -> dict[str, bytes]:
    return {key_name(key): key for key in derived_keys(_PURPOSE)}
