"""Rows as the documents that a bundle has of them."""

from collections.abc import Mapping
from typing import Any

from toolpacks.bundles.members import (
    DECISIONS,
    TOOL_PACK,
    TOOL_SET,
    WRITTEN_TOOL,
    Document,
    document_of,
    in_order,
)
from toolpacks.models import ToolPack
from toolsets import documents
from toolsets.models import Tool, ToolSet


def tool_set_document(
    tool_set: ToolSet, *, adapter: Mapping[str, Any] | None = None
) -> Document:
    """The document of a tool set, with its adapter as the row holds it, or as it is given."""
    values = {m.field: in_order(getattr(tool_set, m.field)) for m in TOOL_SET}
    shown = values["adapter"] if adapter is None else in_order(adapter)
    union = {tool_set.adapter_type: shown}
    return document_of(TOOL_SET, {**values, "adapter": union})


def as_kept(wanted: Document) -> Document:
    """The document of a tool set as its row will hold it: with the digest of an OpenAPI document, not its text."""
    ((adapter_type, adapter),) = wanted["spec"]["adapter"].items()
    if "document" not in adapter:
        return wanted
    kept = documents.as_kept(adapter)
    return {**wanted, "spec": {**wanted["spec"], "adapter": {adapter_type: kept}}}


def decisions_document(tool: Tool) -> Document:
    """What people decided about a tool that is synced; nothing where they left it to its upstream and the filters."""
    is_out = tool.status == Tool.Status.OMITTED
    values = {
        "external_id": tool.external_id,
        "labels": in_order(tool.labels),
        "status": (Tool.Status.OMITTED if is_out else Tool.Status.AVAILABLE).value,
        "requires_approval": tool.requires_approval
        if tool.is_approval_set_by_hand
        else None,
    }
    return document_of(DECISIONS, values)


def written_document(tool: Tool) -> Document:
    """A tool that is written by hand, whole."""
    is_out = tool.status == Tool.Status.OMITTED
    values = {m.field: in_order(getattr(tool, m.field)) for m in WRITTEN_TOOL}
    values["status"] = (Tool.Status.OMITTED if is_out else Tool.Status.AVAILABLE).value
    values["config"] = {ToolSet.AdapterType.HTTP.value: values["config"]}
    return document_of(WRITTEN_TOOL, values)


def pack_document(pack: ToolPack, connectors: Mapping[str, Document]) -> Document:
    values = {m.field: getattr(pack, m.field, None) for m in TOOL_PACK}
    return document_of(TOOL_PACK, {**values, "connectors": dict(connectors)})
