"""What commands say about tool sets, tools and syncs, to people and to scripts."""

from typing import Any

from django.db.models import Count, Q

from gateway.identity.command_base import shown
from toolsets.models import Tool, ToolSet, ToolSetEvent


def count_available() -> Count:
    return Count("tools", filter=Q(tools__status=Tool.Status.AVAILABLE))


def health(tool_set: ToolSet) -> str:
    return tool_set.sync.health if tool_set.is_active else "archived"


def last_sync(tool_set: ToolSet) -> str:
    at = tool_set.sync.last_succeeded_at
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else "never"


def named(tool_set: ToolSet) -> str:
    return f"{shown(tool_set.name)} ({tool_set.slug})"


def as_row(tool_set: Any) -> dict[str, Any]:
    return {
        "id": tool_set.pk,
        "slug": tool_set.slug,
        "name": tool_set.name,
        "externalId": tool_set.external_id,
        "adapter": tool_set.adapter_type,
        "state": tool_set.state,
        "health": tool_set.sync.health,
        "lastSync": tool_set.sync.last_succeeded_at,
    }


def as_end(tool_set: ToolSet, end: ToolSetEvent) -> dict[str, Any]:
    named = {"id": tool_set.pk, "slug": tool_set.slug, "name": tool_set.name}
    return {**named, "type": end.type, **end.payload}


def said(tool_set: ToolSet, end: ToolSetEvent) -> str:
    if end.type == ToolSetEvent.Type.FAILED:
        return f"{named(tool_set)} failed: {shown(end.message)} ({end.error_type})"
    return f"{named(tool_set)}: {shown(end.message)}"


def as_tool(tool: Tool) -> dict[str, Any]:
    return {
        "id": tool.pk,
        "name": tool.name,
        "externalId": tool.external_id,
        "title": tool.title,
        "description": tool.description,
        "status": tool.status,
        "statusReason": tool.status_reason,
        "requiresApproval": tool.requires_approval,
        "parameters": tool.parameters,
    }
