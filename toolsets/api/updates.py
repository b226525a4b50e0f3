"""What the bodies of creates and updates mean for a tool set or a tool."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.masks import Document, Path, mask_of
from gateway.rest.queries import Query
from gateway.rest.updates import new_document, touched, updated_document
from toolsets.api.answers import config_json, shown_status
from toolsets.api.serializers import ToolBody, ToolSetBody
from toolsets.api.unions import adapter_of
from toolsets.models import Tool, ToolSet

SET_PATHS: dict[str, Path] = {
    "name": ("metadata", "name"),
    "external_id": ("metadata", "externalId"),
    "labels": ("metadata", "labels"),
    "bundle_key": ("metadata", "bundleKey"),
    "description": ("spec", "description"),
    "adapter_type": ("spec", "adapter"),
    "adapter": ("spec", "adapter"),
    "tags": ("spec", "tags"),
    "interactions": ("spec", "interactions"),
    "allowed_networks": ("spec", "allowedNetworks"),
    "sync_interval_seconds": ("spec", "syncIntervalSeconds"),
    "is_managed": ("managed",),
}
TOOL_PATHS: dict[str, Path] = {
    "external_id": ("metadata", "externalId"),
    "labels": ("metadata", "labels"),
    "bundle_key": ("metadata", "bundleKey"),
    "status": ("spec", "status"),
    "requires_approval": ("spec", "requiresApproval"),
}
_SYNCED_PATHS: list[Path] = [
    ("metadata", "name"),
    ("spec", "config"),
    ("spec", "description"),
    ("spec", "parameters"),
]
_LABELS: Path = ("metadata", "labels")
_OPEN_ENDED: list[Path] = [
    _LABELS,
    ("spec", "interactions"),
    *[
        ("spec", "adapter", "mcp", member)
        for member in (
            "url",
            "headers",
            "includeTools",
            "excludeTools",
            "toolApprovals",
        )
    ],
    ("spec", "adapter", "http"),
    ("spec", "adapter", "openapi"),
]
_EMPTY_SET: dict[str, Any] = {
    "external_id": "",
    "labels": {},
    "bundle_key": "",
    "description": "",
    "tags": [],
    "interactions": {},
    "allowed_networks": [],
    "sync_interval_seconds": None,
    "is_managed": False,
}
_SYNCED = "The tools of an MCP server are synced from it; this cannot be changed here."


def new_tool_set_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `connect` that a create body gives."""
    return _tool_set_fields(new_document(body))


def changed_tool_set_fields(
    tool_set: ToolSet, body: Mapping[str, Any], query: Query
) -> dict[str, Any]:
    """The fields of `change` that an update body, with its mask, gives or clears."""
    document, paths = updated_document(
        _tool_set_document(tool_set),
        body,
        query,
        changeable=[*SET_PATHS.values(), ("spec", "adapter", "mcp")],
        open_ended=_OPEN_ENDED,
    )
    return touched(_tool_set_fields(document), paths, SET_PATHS)


def changed_tool_fields(
    tool: Tool, body: Mapping[str, Any], query: Query
) -> dict[str, Any]:
    """The fields of `change_tool` that an update body, with its mask, gives or clears.

    Raises:
        ValidationError: it would change what is synced from the upstream.
    """
    current = _tool_document(tool)
    document, paths = updated_document(
        current,
        body,
        query,
        changeable=[*TOOL_PATHS.values(), *_SYNCED_PATHS],
        open_ended=[_LABELS],
    )
    serializer = ToolBody(data=document)
    serializer.is_valid(raise_exception=True)
    _check_synced(current, document)
    given = serializer.validated_data
    fields = {
        "external_id": "",
        "labels": {},
        "bundle_key": "",
        "requires_approval": False,
        "status": Tool.Status.AVAILABLE,
        **given["metadata"],
        **given.get("spec", {}),
    }
    wanted = touched({k: fields[k] for k in TOOL_PATHS}, paths, TOOL_PATHS)
    if "status" in wanted and not _moves(tool, document, current):
        del wanted["status"]
    if mask_of(body, query) is None and _is_unchanged(tool, wanted):
        del wanted["requires_approval"]  # sent back, not decided
    return wanted


def _is_unchanged(tool: Tool, wanted: Mapping[str, Any]) -> bool:
    return wanted.get("requires_approval") is tool.requires_approval


def _moves(tool: Tool, document: Document, current: Document) -> bool:
    """Whether the update decides about the tool's status; clearing a decision that nobody made does not."""
    status = (document.get("spec") or {}).get("status")
    if status is None:
        return tool.status == Tool.Status.OMITTED
    return status not in {"TOOL_STATUS_UNSPECIFIED", current["spec"]["status"]}


def _tool_set_document(tool_set: ToolSet) -> Document:
    spec: Document = {
        "description": tool_set.description,
        "adapter": {tool_set.adapter_type: tool_set.adapter},
        "tags": tool_set.tags,
        "interactions": tool_set.interactions,
        "allowedNetworks": tool_set.allowed_networks,
    }
    if tool_set.sync_interval_seconds is not None:
        spec["syncIntervalSeconds"] = tool_set.sync_interval_seconds
    return {
        "metadata": _metadata_document(tool_set),
        "spec": spec,
        "managed": tool_set.is_managed,
    }


def _tool_document(tool: Tool) -> Document:
    return {
        "metadata": _metadata_document(tool),
        "spec": {
            "config": config_json(tool, tool.tool_set),
            "description": tool.description,
            "parameters": tool.parameters,
            "status": shown_status(tool, tool.tool_set),
            "requiresApproval": tool.requires_approval,
        },
    }


def _metadata_document(row: Tool | ToolSet) -> Document:
    return {
        "name": row.name,
        "externalId": row.external_id,
        "labels": row.labels,
        "bundleKey": row.bundle_key,
    }


def _tool_set_fields(document: Document) -> dict[str, Any]:
    body = ToolSetBody(data=document)
    body.is_valid(raise_exception=True)
    given = dict(body.validated_data)
    fields = {**_EMPTY_SET, **given.pop("metadata"), **given.pop("spec"), **given}
    adapter_type, adapter = adapter_of(fields["adapter"], at="spec.adapter")
    return {**fields, "adapter_type": adapter_type, "adapter": adapter}


def _check_synced(current: Document, document: Document) -> None:
    changed = [
        ".".join((outer, inner))
        for outer, inner in _SYNCED_PATHS
        if not _agrees(
            current[outer][inner],
            (document.get(outer) or {}).get(inner),
            is_union=inner == "config",
        )
    ]
    if changed:
        raise ValidationError(dict.fromkeys(changed, _SYNCED))


def _agrees(held: Any, given: Any, *, is_union: bool) -> bool:
    """Whether what is given says the same as what is held; a union may carry its tag, and leave members out."""
    if not is_union or not isinstance(given, Mapping) or not isinstance(held, Mapping):
        return bool(given == held)
    return bool(given) and all(
        name == "type" or (name in held and _agrees(held[name], value, is_union=True))
        for name, value in given.items()
    )
