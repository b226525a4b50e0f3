"""Tool packs, connectors, registered users, grants and API keys as REST shows them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from gateway.identity.models import (
    ApiKey,
    ApiKeyRegisteredUser,
    ApiKeyUse,
    RegisteredUser,
)
from toolpacks.counting import tool_counts
from toolpacks.models import ApiKeyPack, Connector, ConnectorTool, Grant, ToolPack
from toolsets.models import Tool


def packs_json(packs: Sequence[ToolPack]) -> list[dict[str, Any]]:
    ids = [pack.pk for pack in packs]
    counts, slugs = tool_counts(ids), _slugs_of(ids)
    return [
        {
            "id": str(pack.pk),
            "name": pack.name,
            "slug": pack.slug,
            "external_id": pack.external_id,
            "bundle_key": pack.bundle_key,
            "description": pack.description,
            "connectors": slugs[pack.pk],
            "tool_count": counts.get(pack.pk, 0),
            "access": pack.access,
            "default_for_new_users": pack.default_for_new_users,
            "enabled": pack.is_enabled,
            "security_rules": [],
            "created_at": pack.created_at,
            "modified_at": pack.modified_at,
        }
        for pack in packs
    ]


def _slugs_of(pack_ids: Iterable[Any]) -> dict[Any, list[str]]:
    slugs: dict[Any, list[str]] = defaultdict(list)
    connectors = Connector.objects.filter(pack__in=list(pack_ids))
    pairs = connectors.values_list("pack_id", "tool_set__slug")
    for pack_id, slug in pairs.order_by("tool_set__slug"):
        slugs[pack_id].append(slug)
    return slugs


def connectors_json(pack: ToolPack) -> list[dict[str, Any]]:
    """The connectors of a pack, with the tools that each exposes."""
    connectors = list(
        Connector.objects.in_workspace(pack.workspace_id)
        .filter(pack=pack)
        .select_related("tool_set")
        .order_by("tool_set__slug")
    )
    tools = exposed_tools(connectors)
    return [
        {
            "slug": connector.tool_set.slug,
            "name": connector.tool_set.name,
            "mode": connector.mode,
            "prefix": connector.prefix,
            "tool_names": [tool.name for tool in tools[connector.pk]],
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.parameters,
                }
                for tool in tools[connector.pk]
            ],
        }
        for connector in connectors
    ]


def exposed_tools(connectors: Sequence[Connector]) -> dict[Any, list[Tool]]:
    """The tools that each connector exposes, by name."""
    all_of = [c.tool_set_id for c in connectors if c.mode == Connector.Mode.ALL]
    by_set: dict[str, list[Tool]] = defaultdict(list)
    for tool in Tool.objects.available().filter(tool_set__in=all_of).order_by("name"):
        by_set[tool.tool_set_id].append(tool)
    exposed = defaultdict(
        list,
        {
            c.pk: by_set[c.tool_set_id]
            for c in connectors
            if c.mode == Connector.Mode.ALL
        },
    )
    chosen = ConnectorTool.objects.filter(
        connector__in=[c.pk for c in connectors if c.mode == Connector.Mode.CHOSEN],
        tool__in=Tool.objects.available(),
    ).select_related("tool")
    for choice in chosen.order_by("tool__name"):
        exposed[choice.connector_id].append(choice.tool)
    return exposed


def user_json(user: RegisteredUser) -> dict[str, Any]:
    """A registered user, with their `company` loaded before."""
    company = user.company
    return {
        "id": user.pk,
        "origin_user_id": user.origin_user_id,
        "origin_user_name": user.name,
        "origin_user_email": user.email,
        "shared_credential_group": company
        and {
            "origin_company_id": company.origin_company_id,
            "origin_company_name": company.origin_company_name,
        },
        "user_type": user.user_type,
        "is_test": user.is_test,
        "is_active": user.is_active,
        "deactivated_at": user.deactivated_at,
        "created_at": user.created_at,
    }


def grant_json(grant: Grant) -> dict[str, Any]:
    return {
        "tool_pack": str(grant.pack_id),
        "registered_user": grant.registered_user_id,
        "created_at": grant.created_at,
    }


def keys_json(
    keys: Sequence[ApiKey], *, account_id: str, at: datetime
) -> list[dict[str, Any]]:
    """API keys, with their `profile` and its place in the workspace loaded before; never a token."""
    ids = [key.pk for key in keys]
    packs = _limits(ApiKeyPack, "pack_id", ids)
    users = _limits(ApiKeyRegisteredUser, "registered_user_id", ids)
    uses = dict(
        ApiKeyUse.objects.filter(api_key__in=ids).values_list(
            "api_key_id", "last_used_at"
        )
    )
    return [
        {
            "metadata": {
                "id": key.pk,
                "accountId": account_id,
                "workspaceId": key.workspace_id,
                "profileId": key.profile_id,
                "name": key.name,
                "externalId": "",
                "labels": {},
                "createdAt": key.created_at,
            },
            "spec": {
                "scopes": key.scopes,
                "role": role_of(key),
                "expiresAt": key.expires_at,
                "toolPacks": packs[key.pk] if key.is_limited_to_packs else None,
                "registeredUsers": users[key.pk] if key.is_limited_to_users else None,
                "registeredUserId": key.registered_user_id or "",
                "agentProfileId": key.agent_profile_id or "",
            },
            "state": _state(key, at),
            "createdById": key.created_by_id,
            "revokedAt": key.revoked_at,
            "lastUsedAt": uses.get(key.pk),
        }
        for key in keys
    ]


def _limits(model: Any, column: str, key_ids: list[str]) -> dict[str, list[str]]:
    limits: dict[str, list[str]] = defaultdict(list)
    rows = model.objects.filter(api_key__in=key_ids).order_by(column)
    for key_id, limit in rows.values_list("api_key_id", column):
        limits[key_id].append(str(limit))
    return limits


def role_of(key: ApiKey) -> str:
    """What the key may do over REST."""
    places = [
        place
        for place in key.profile.memberships.all()
        if place.workspace_id == key.workspace_id
    ]
    return places[0].role if places else ""


def _state(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "STATE_REVOKED"
    return "STATE_ACTIVE" if key.is_usable(at=at) else "STATE_EXPIRED"
