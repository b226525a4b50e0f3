"""Tool sets, tools, events and secrets as REST shows them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count

from gateway.identity import providers
from gateway.identity.api.answers import profile_json
from gateway.identity.callers import Caller
from gateway.identity.roles import Right
from gateway.rest.envelope import operation_metadata, resource_metadata
from toolsets.adapters.http.configs import METHODS
from toolsets.confidential import hidden
from toolsets.models import Secret, Tool, ToolSet, ToolSetEvent
from toolsets.previewing import Preview

_SHOWN_EVENTS = {
    ToolSetEvent.Type.STARTED: "syncStarted",
    ToolSetEvent.Type.COMPLETED: "syncCompleted",
    ToolSetEvent.Type.FAILED: "syncFailed",
}

_OPENAPI_CONFIG = ("method", "path", "operationId")
"""What is shown of an OpenAPI tool's configuration; the rest is how its arguments are sent."""


def tool_sets_json(
    tool_sets: Sequence[ToolSet], caller: Caller, *, with_info: bool
) -> Iterator[dict[str, Any]]:
    """Tool sets, with their `sync` (and `created_by`, for the info) loaded before."""
    infos = _tool_set_infos(tool_sets, caller) if with_info else {}
    for tool_set in tool_sets:
        shown = {
            "metadata": resource_metadata(tool_set, account_id=caller.account_id),
            "spec": {
                "description": tool_set.description,
                "adapter": {tool_set.adapter_type: readable(tool_set.adapter, caller)},
                "tags": tool_set.tags,
                "interactions": tool_set.interactions,
                "allowedNetworks": tool_set.allowed_networks,
                "syncIntervalSeconds": tool_set.sync_interval_seconds,
            },
            "managed": tool_set.is_managed,
            "state": tool_set.state,
            "slug": tool_set.slug,
            "health": tool_set.sync.health,
        }
        yield {**shown, "info": infos[tool_set.pk]} if with_info else shown


def _tool_set_infos(
    tool_sets: Sequence[ToolSet], caller: Caller
) -> dict[str, dict[str, Any]]:
    ids = [tool_set.pk for tool_set in tool_sets]
    agents = providers.ask(providers.TOOL_SET_AGENTS, caller.workspace_id, ids)
    tools = _tool_counts(ids)
    return {
        tool_set.pk: {
            "agentCount": agents.get(tool_set.pk, 0),
            "createdBy": profile_json(tool_set.created_by),
            "toolCount": tools.get(tool_set.pk, 0),
            **_last_sync(tool_set),
        }
        for tool_set in tool_sets
    }


def _tool_counts(ids: Iterable[str]) -> dict[str, int]:
    tools = Tool.objects.filter(tool_set__in=ids).exclude(status=Tool.Status.ARCHIVED)
    counted = tools.values("tool_set").annotate(count=Count("pk"))
    return dict(counted.values_list("tool_set", "count"))


def _last_sync(tool_set: ToolSet) -> dict[str, Any]:
    at = tool_set.sync.last_succeeded_at
    return {"lastSync": at} if at else {}


def tool_json(
    tool: Tool, tool_set: ToolSet, caller: Caller, *, with_info: bool
) -> dict[str, Any]:
    """A tool; its `created_by` is loaded before, for the info."""
    shown = {
        "metadata": resource_metadata(tool, account_id=caller.account_id),
        "spec": {
            "config": _readable_config(tool, tool_set, caller),
            "description": tool.description,
            "parameters": tool.parameters,
            "status": shown_status(tool, tool_set),
            "requiresApproval": tool.requires_approval,
        },
        "title": tool.title,
        "outputSchema": tool.output_schema,
        "annotations": tool.annotations,
        "statusReason": tool.status_reason,
    }
    if not with_info:
        return shown
    info = {
        "createdBy": profile_json(tool.created_by),
        "toolSet": resource_metadata(tool_set, account_id=caller.account_id),
    }
    return {**shown, "info": info}


def readable(holder: Mapping[str, Any], caller: Caller) -> Mapping[str, Any]:
    """An adapter or a configuration; who may not read secrets does not see those that stand in its headers."""
    return holder if caller.has(Right.KEYS) else hidden(holder)


def _readable_config(tool: Tool, tool_set: ToolSet, caller: Caller) -> dict[str, Any]:
    config = config_json(tool, tool_set)
    return {member: readable(held, caller) for member, held in config.items()}


def shown_status(tool: Tool, tool_set: ToolSet) -> str:
    """A tool of an archived set is archived, whatever its own status will be again."""
    return tool.status if tool_set.is_active else Tool.Status.ARCHIVED


def config_json(tool: Tool, tool_set: ToolSet) -> dict[str, Any]:
    if tool_set.adapter_type == ToolSet.AdapterType.OPENAPI:
        shown = {member: tool.config.get(member, "") for member in _OPENAPI_CONFIG}
        return {tool_set.adapter_type: shown}
    if tool_set.adapter_type == ToolSet.AdapterType.HTTP:
        return {tool_set.adapter_type: {**_http_defaults(tool), **tool.config}}
    named = {
        "toolName": tool.name,
        "toolTitle": tool.title,
        "toolDescription": tool.description,
    }
    return {ToolSet.AdapterType.MCP.value: named}


def _http_defaults(tool: Tool) -> dict[str, Any]:
    """Every member, as it counts where the tool does not say."""
    texts = ("path", "query", "requestBodyContentType", "requestBodyTemplate")
    return {
        "requestMethod": METHODS[0],
        "headers": {},
        "toolName": tool.name,
        **dict.fromkeys(texts, ""),
    }


def preview_json(seen: Preview) -> dict[str, Any]:
    """What filters would do, in numbers, and to which tools."""
    return {
        "total": len(seen.outcomes),
        "available": len(seen.having(Tool.Status.AVAILABLE)),
        "filtered": len(seen.having(Tool.Status.FILTERED)),
        "omitted": len(seen.having(Tool.Status.OMITTED)),
        "requireApproval": len(seen.needing_approval),
        "changes": [
            {
                "name": outcome.name,
                "status": outcome.status,
                "reason": outcome.reason,
                "requiresApproval": outcome.requires_approval,
            }
            for outcome in seen.changing
        ],
    }


def event_json(
    event: ToolSetEvent, tool_set: ToolSet, caller: Caller, *, with_info: bool
) -> dict[str, Any]:
    """An event; its `created_by` is loaded before, for the info."""
    member = _SHOWN_EVENTS[ToolSetEvent.Type(event.type)]
    shown = {
        "metadata": operation_metadata(event, account_id=caller.account_id),
        "event": {"type": event.type, member: event.payload},
        "toolSetId": tool_set.pk,
    }
    if not with_info:
        return shown
    info = {
        "createdBy": profile_json(event.created_by),
        "toolSet": resource_metadata(tool_set, account_id=caller.account_id),
    }
    return {**shown, "info": info}


def secret_json(secret: Secret) -> dict[str, Any]:
    """What is known of a secret, with its `use` loaded; its value is nobody's to read."""
    return {
        "id": secret.pk,
        "name": secret.name,
        "version": secret.version,
        "toolSetId": secret.tool_set_id or "",
        "createdAt": secret.created_at,
        "lastUsedAt": secret.last_used_at,
    }
