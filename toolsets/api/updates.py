"""What the bodies of creates and updates mean for a tool set."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.masks import Document, Path
from gateway.rest.queries import Query
from gateway.rest.updates import (
    errors_at,
    new_document,
    touched,
    updated_document,
)
from toolsets.adapters.settings import check_adapter
from toolsets.api.serializers import PreviewBody, ToolSetBody
from toolsets.api.unions import adapter_of
from toolsets.confidential import hidden
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
_DECIDING = ("includeTools", "excludeTools", "toolApprovals")
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


def _tool_set_document(tool_set: ToolSet) -> Document:
    """What can be changed; credentials are hidden in it, so that the domain can tell a kept one from one that is given."""
    spec: Document = {
        "description": tool_set.description,
        "adapter": {tool_set.adapter_type: hidden(tool_set.adapter)},
        "tags": tool_set.tags,
        "interactions": tool_set.interactions,
        "allowedNetworks": tool_set.allowed_networks,
    }
    if tool_set.sync_interval_seconds is not None:
        spec["syncIntervalSeconds"] = tool_set.sync_interval_seconds
    return {
        "metadata": metadata_document(tool_set),
        "spec": spec,
        "managed": tool_set.is_managed,
    }


def metadata_document(row: Tool | ToolSet) -> Document:
    """What can be changed of the metadata of a row."""
    return {
        "name": row.name,
        "externalId": row.external_id,
        "labels": row.labels,
        "bundleKey": row.bundle_key,
    }


def previewed_adapter(tool_set: ToolSet, body: Mapping[str, Any]) -> dict[str, Any]:
    """The set's adapter with the filters and approvals of the adapter that a body gives, and no others.

    Raises:
        ValidationError: it is of another kind, or wrong.
    """
    given = PreviewBody(data=new_document(body))
    given.is_valid(raise_exception=True)
    adapter_type, adapter = adapter_of(given.validated_data["adapter"], at="adapter")
    if adapter_type != tool_set.adapter_type:
        said = f"Give {tool_set.adapter_type}, as the tool set's adapter."
        raise ValidationError({"adapter": said})
    own = {name: v for name, v in tool_set.adapter.items() if name not in _DECIDING}
    with errors_at({"adapter": ("adapter", adapter_type)}):
        check_adapter(adapter_type, {**own, **adapter})
    return adapter


def _tool_set_fields(document: Document) -> dict[str, Any]:
    body = ToolSetBody(data=document)
    body.is_valid(raise_exception=True)
    given = dict(body.validated_data)
    fields = {**_EMPTY_SET, **given.pop("metadata"), **given.pop("spec"), **given}
    adapter_type, adapter = adapter_of(fields["adapter"], at="spec.adapter")
    return {**fields, "adapter_type": adapter_type, "adapter": adapter}
