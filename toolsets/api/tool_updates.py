"""What the bodies of creates and updates mean for a tool: one that is synced, or one that people write."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.masks import Document, Path, mask_of
from gateway.rest.queries import Query
from gateway.rest.updates import new_document, touched, updated_document
from toolsets.api.answers import config_json, shown_status
from toolsets.api.serializers import ToolBody
from toolsets.api.unions import config_of
from toolsets.api.updates import metadata_document
from toolsets.models import Tool, ToolSet

_DECIDED: dict[str, Path] = {
    "external_id": ("metadata", "externalId"),
    "labels": ("metadata", "labels"),
    "bundle_key": ("metadata", "bundleKey"),
    "status": ("spec", "status"),
    "requires_approval": ("spec", "requiresApproval"),
}
_DEFINED: dict[str, Path] = {
    "name": ("metadata", "name"),
    "config": ("spec", "config"),
    "description": ("spec", "description"),
    "parameters": ("spec", "parameters"),
}
TOOL_PATHS: dict[str, Path] = {
    **_DECIDED,
    **_DEFINED,
    "config": ("spec", "config", "http"),
}
"""Where the fields of a tool stand in a body."""

_LABELS: Path = ("metadata", "labels")
_EMPTY: dict[str, Any] = {
    "external_id": "",
    "labels": {},
    "bundle_key": "",
    "requires_approval": False,
    "status": Tool.Status.AVAILABLE,
    "config": {},
    "description": "",
    "parameters": {},
}
_SYNCED = (
    "The tools of this set are synced from its upstream; this cannot be changed here."
)
_UNSPECIFIED = "TOOL_STATUS_UNSPECIFIED"


def new_tool_fields(tool_set: ToolSet, body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `create_tool` that a create body gives."""
    fields = _fields(new_document(body), tool_set)
    if fields["status"] in {_UNSPECIFIED, Tool.Status.FILTERED}:
        is_out = fields["status"] == Tool.Status.FILTERED
        fields["status"] = Tool.Status.OMITTED if is_out else Tool.Status.AVAILABLE
    return fields


def changed_tool_fields(
    tool: Tool, body: Mapping[str, Any], query: Query
) -> dict[str, Any]:
    """The fields of `change_tool` that an update body, with its mask, gives or clears.

    Raises:
        ValidationError: it would change what is synced from the upstream.
    """
    current = _document(tool)
    document, paths = updated_document(
        current,
        body,
        query,
        changeable=[*_DECIDED.values(), *_DEFINED.values()],
        open_ended=[_LABELS, *_open_ended(tool.tool_set)],
    )
    fields = _fields(document, tool.tool_set)
    path_of = _DECIDED
    if tool.tool_set.is_syncable:
        _check_synced(current, document)
    else:
        path_of = {**_DECIDED, **_DEFINED}
    wanted = touched({name: fields[name] for name in path_of}, paths, path_of)
    if "status" in wanted and not _moves(tool, document, current):
        del wanted["status"]
    if mask_of(body, query) is None and _is_unchanged(tool, wanted):
        del wanted["requires_approval"]  # sent back, not decided
    return wanted


def _open_ended(tool_set: ToolSet) -> list[Path]:
    return [] if tool_set.is_syncable else [("spec", "config", tool_set.adapter_type)]


def _fields(document: Document, tool_set: ToolSet) -> dict[str, Any]:
    serializer = ToolBody(data=document)
    serializer.is_valid(raise_exception=True)
    given = serializer.validated_data
    fields = {**_EMPTY, **given["metadata"], **given.get("spec", {})}
    if not tool_set.is_syncable:
        fields["config"] = config_of(
            fields["config"], tool_set.adapter_type, at="spec.config"
        )
    return fields


def _is_unchanged(tool: Tool, wanted: Mapping[str, Any]) -> bool:
    return wanted.get("requires_approval") is tool.requires_approval


def _moves(tool: Tool, document: Document, current: Document) -> bool:
    """Whether the update decides about the tool's status; clearing a decision that nobody made does not."""
    status = (document.get("spec") or {}).get("status")
    if status is None:
        return tool.status == Tool.Status.OMITTED
    return status not in {_UNSPECIFIED, current["spec"]["status"]}


def _document(tool: Tool) -> Document:
    config = config_json(tool, tool.tool_set)
    if not tool.tool_set.is_syncable:
        config = {tool.tool_set.adapter_type: tool.config}
    return {
        "metadata": metadata_document(tool),
        "spec": {
            "config": config,
            "description": tool.description,
            "parameters": tool.parameters,
            "status": shown_status(tool, tool.tool_set),
            "requiresApproval": tool.requires_approval,
        },
    }


def _check_synced(current: Document, document: Document) -> None:
    changed = [
        ".".join(path)
        for name, path in _DEFINED.items()
        if not _agrees(
            _at(current, path), _at(document, path), is_union=name == "config"
        )
    ]
    if changed:
        raise ValidationError(dict.fromkeys(changed, _SYNCED))


def _at(document: Document, path: Path) -> Any:
    outer, inner = path
    return (document.get(outer) or {}).get(inner)


def _agrees(held: Any, given: Any, *, is_union: bool) -> bool:
    """Whether what is given says the same as what is held; a union may carry its tag, and leave members out."""
    if not is_union or not isinstance(given, Mapping) or not isinstance(held, Mapping):
        return bool(given == held)
    return bool(given) and all(
        name == "type" or (name in held and _agrees(held[name], value, is_union=True))
        for name, value in given.items()
    )
