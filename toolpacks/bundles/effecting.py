"""Brings one resource to what is wanted, through the same functions as REST and the admin."""

from collections.abc import Iterable
from typing import Any, ClassVar

from gateway.errors import Refused
from toolpacks import packing
from toolpacks.bundles.changes import Action, Change, Kind
from toolpacks.bundles.members import (
    DECISIONS,
    TOOL_PACK,
    TOOL_SET,
    WRITTEN_TOOL,
    Document,
    values_of,
)
from toolpacks.bundles.reading import split_adapter
from toolpacks.models import BundleRun, Connector, ToolPack
from toolpacks.packing import Attachment
from toolsets import connecting, curating, documents, writing
from toolsets.documents import Taken
from toolsets.models import Tool, ToolSet


class NotOwned(Refused):
    """The row was taken off the bundle since it was planned."""

    code: ClassVar[str] = "not_owned"


class UnknownTool(Refused):
    """A tool is named that the tool set does not have."""

    code: ClassVar[str] = "unknown_tool"


class UnknownToolSet(Refused):
    """A connector names a tool set that the workspace does not have."""

    code: ClassVar[str] = "unknown_tool_set"


class NotSynced(Refused):
    """What is wanted names tools of a tool set whose tools could not be brought yet."""

    code: ClassVar[str] = "not_synced"


def taken(change: Change) -> Taken | None:
    """The adapter that the change gives to a tool set, for `effect`; before its transaction, as a document takes long.

    Raises:
        ValidationError: the document cannot be kept.
    """
    if change.kind is not Kind.TOOL_SET or change.wanted is None:
        return None
    said = split_adapter(_fields(TOOL_SET, change))
    current = change.row.adapter if change.row else None
    return documents.take(said["adapter"], current=current)


def effect(change: Change, run: BundleRun, *, adapter: Taken | None) -> Any:
    """Do what the change says, with the `adapter` that was taken for it; the row as it is then. Within a transaction.

    Raises:
        GatewayError, ValidationError: what the domain refuses.
    """
    match change.kind:
        case Kind.TOOL_SET:
            return _tool_set(change, run, adapter)
        case Kind.TOOL if _is_written(change):
            return _written_tool(change, run)
        case Kind.TOOL:
            return _tool(change, run)
        case Kind.TOOL_PACK:
            return _pack(change, run)


def _tool_set(change: Change, run: BundleRun, adapter: Taken | None) -> ToolSet:
    actor, row = run.actor, _owned(ToolSet, change, run)
    if change.action is Action.ARCHIVE:
        return connecting.archive(row, actor=actor)
    fields = _fields(TOOL_SET, change)
    fields |= {**split_adapter(fields), "adapter": adapter}
    if row is None:
        return connecting.connect(
            run.workspace,
            **fields,
            external_id=change.key,
            bundle_key=run.bundle_key,
            actor=actor,
        )
    if change.action is Action.UNARCHIVE:
        connecting.unarchive(row, actor=actor)
    return connecting.change(row, **fields, actor=actor)


def _is_written(change: Change) -> bool:
    """Whether the change is about a tool that is written by hand: only such a one says what it is called."""
    if change.wanted is None:
        return True
    return "name" in change.wanted.document


def _written_tool(change: Change, run: BundleRun) -> Tool:
    if change.action is Action.ARCHIVE:
        tool = _current_tool(change, run)
        return writing.change_tool(tool, status=Tool.Status.ARCHIVED, actor=run.actor)
    fields = _fields(WRITTEN_TOOL, change)
    fields["config"] = fields["config"][ToolSet.AdapterType.HTTP]
    if change.row is None:
        set_key, _, key = change.key.partition("/")
        return writing.create_tool(
            _owned_set(set_key, run),
            **fields,
            external_id=key,
            bundle_key=run.bundle_key,
            actor=run.actor,
        )
    tool = _current_tool(change, run)
    if fields["requires_approval"] == tool.requires_approval:
        del fields["requires_approval"]  # it would count as decided anew
    return writing.change_tool(tool, **fields, actor=run.actor)


def _owned_set(key: str, run: BundleRun) -> ToolSet:
    rows = ToolSet.objects.in_workspace(run.workspace_id)
    found: ToolSet | None = rows.filter(
        external_id=key, bundle_key=run.bundle_key
    ).first()
    if found is None:
        raise UnknownToolSet(f"There is no tool set {key}.")
    return found


def _tool(change: Change, run: BundleRun) -> Tool:
    """What people decide about a tool that is synced."""
    tool, actor = _current_tool(change, run), run.actor
    fields = _fields(DECISIONS, change)
    if change.wanted and change.wanted.document:
        fields["bundle_key"] = run.bundle_key
    else:
        fields["bundle_key"] = ""
    is_out = tool.status == Tool.Status.OMITTED
    if tool.status == Tool.Status.ARCHIVED or is_out == (
        fields["status"] == Tool.Status.OMITTED
    ):
        del fields["status"]
    if fields["requires_approval"] is None:
        del fields["requires_approval"]
        curating.leave_approval_to_filters([tool], actor=actor)
    return curating.change_tool(tool, **fields, actor=actor)


def _current_tool(change: Change, run: BundleRun) -> Tool:
    if change.row is None:
        raise NotSynced(_NOT_SYNCED)
    rows = Tool.objects.in_workspace(run.workspace_id).select_related("tool_set")
    tool: Tool | None = rows.filter(
        pk=change.row.pk,
        bundle_key__in=["", run.bundle_key],
        tool_set__bundle_key=run.bundle_key,
    ).first()
    if tool is None:
        raise NotOwned(_TAKEN)
    return tool


def _pack(change: Change, run: BundleRun) -> ToolPack:
    actor, pack = run.actor, _owned(ToolPack, change, run)
    if change.action is Action.ARCHIVE:
        return packing.change_pack(pack, is_enabled=False, actor=actor)
    fields = _fields(TOOL_PACK, change)
    wanted = _attachments(change, run, fields.pop("connectors"))
    if pack is None:
        return packing.create_pack(
            run.workspace,
            **fields,
            external_id=change.key,
            bundle_key=run.bundle_key,
            attachments=wanted,
            actor=actor,
        )
    changed = packing.change_pack(pack, **fields, is_enabled=True, actor=actor)
    kept = {attachment.tool_set.pk for attachment in wanted}
    others = [held for held in _attached(changed) if held.pk not in kept]
    packing.attach_all(changed, wanted, detached=others, actor=actor)
    return changed


def _attached(pack: ToolPack) -> Iterable[ToolSet]:
    connectors = Connector.objects.filter(pack=pack).select_related("tool_set")
    return [connector.tool_set for connector in connectors]


def _attachments(
    change: Change, run: BundleRun, connectors: Document
) -> list[Attachment]:
    """The connectors with their rows.

    Raises:
        UnknownToolSet, UnknownTool, NotSynced: a tool set or a tool that is named is not there.
    """
    rows = ToolSet.objects.in_workspace(run.workspace_id)
    found = {one.external_id: one for one in rows.filter(external_id__in=connectors)}
    if missing := sorted({*connectors} - {*found}):
        raise UnknownToolSet(f"There is no tool set {', '.join(missing)}.")
    return [
        Attachment(
            tool_set=found[name],
            tools=_tools(change, found[name], said["tools"])
            if "tools" in said
            else None,
            prefix=said.get("prefix"),
        )
        for name, said in connectors.items()
    ]


def _tools(change: Change, tool_set: ToolSet, names: list[str]) -> list[Tool]:
    rows = Tool.objects.in_workspace(tool_set.workspace_id)
    found = list(rows.filter(tool_set=tool_set, name__in=names))
    missing = sorted({*names} - {tool.name for tool in found})
    if missing and change.awaits_sync:
        raise NotSynced(_NOT_SYNCED)
    if missing:
        raise UnknownTool(f"{tool_set.name} has no tool {', '.join(missing[:20])}.")
    return found


def _fields(table: Any, change: Change) -> dict[str, Any]:
    """The value of each field; without a slug, the domain makes one, or keeps the one that is there."""
    fields = values_of(table, change.wanted.document if change.wanted else {})
    if fields.get("slug", "") is None:
        del fields["slug"]
    return fields


_NOT_SYNCED = (
    "The tools of its tool set are not known, because its sync has not succeeded. "
    "Its events say why; apply the bundle again when it has."
)
_TAKEN = "It was taken off this bundle in the meantime."


def _owned(
    model: type[ToolSet] | type[ToolPack], change: Change, run: BundleRun
) -> Any:
    """The row as it is now, whatever was done to it since the plan; None where there is none yet.

    Raises:
        NotOwned: it is no longer the bundle's.
    """
    if change.row is None:
        return None
    rows = model.objects.in_workspace(run.workspace_id)
    row = rows.filter(pk=change.row.pk, bundle_key=run.bundle_key).first()
    if row is None:
        raise NotOwned(_TAKEN)
    return row
