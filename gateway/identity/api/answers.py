"""Principals and agents as REST shows them."""

from datetime import UTC, datetime
from typing import Any

from gateway.identity.callers import Caller
from gateway.identity.models import AgentProfile, Profile
from gateway.identity.roles import Right


def profile_json(profile: Profile) -> dict[str, Any]:
    """A whole profile, as `createdBy` has it."""
    spec = {"type": profile.type, "name": profile.name}
    if profile.email:
        spec["email"] = profile.email
    return {
        "metadata": {
            "id": profile.pk,
            "accountId": profile.account_id,
            "name": profile.name,
            "profileId": profile.pk,
            "externalId": profile.external_id,
            "labels": profile.labels,
        },
        "spec": spec,
    }


def agent_profile_json(agent: AgentProfile, *, account_id: str) -> dict[str, Any]:
    return {
        "metadata": {
            "id": agent.pk,
            "accountId": account_id,
            "workspaceId": agent.workspace_id,
            "profileId": agent.created_by_id,
            "name": agent.name,
            "externalId": agent.external_id,
            "labels": {},
            "createdAt": agent.created_at,
        },
        "spec": {"scopeTags": agent.scope_tags},
    }


def whoami_json(caller: Caller, profile: Profile) -> dict[str, Any]:
    """Who the caller is, and what it may do here."""
    return {
        "accountId": caller.account_id,
        "workspaceId": caller.workspace_id,
        "profile": profile_json(profile),
        "role": caller.role,
        "rights": [right.name.lower() for right in Right if caller.has(right)],
        "isPerson": caller.is_person,
        "apiKeyId": caller.key_id,
        "scopes": sorted(caller.scopes),
        "registeredUserId": caller.registered_user_id,
        "agentProfileId": caller.agent_profile_id,
        "isLimitedToPacks": caller.is_limited_to_packs,
        "allowedRegisteredUserIds": None
        if caller.allowed_users is None
        else sorted(caller.allowed_users),
        "expiresAt": caller.expires_at
        and datetime.fromtimestamp(caller.expires_at, tz=UTC),
    }
