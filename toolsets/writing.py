"""Writes tools by hand: the operations of an HTTP API, which no upstream lists."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.identity.editing import hold
from toolsets import confidential, curating
from toolsets.adapters.definitions import (
    LONGEST_TITLE,
    ToolMalformed,
    checked_name,
    checked_text,
    packed,
)
from toolsets.adapters.http.configs import NOTHING, check_config
from toolsets.adapters.http.hints import hints_of
from toolsets.errors import ExternalIdTaken, ToolsAreSynced
from toolsets.models import Tool, ToolSet
from toolsets.schemas import SchemaUnusable, validator_of
from toolsets.signals import tools_changed

WRITABLE = frozenset({"name", "title", "description", "parameters", "config"})
CHANGEABLE = WRITABLE | curating.CHANGEABLE
_LONGEST_DESCRIPTION = 20_000
NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_ARCHIVED = "Archived by hand."
_HEADERS = "config.headers"


def create_tool(
    tool_set: ToolSet,
    *,
    name: str,
    title: str = "",
    description: str = "",
    parameters: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    status: str = Tool.Status.AVAILABLE,
    requires_approval: bool = False,
    external_id: str = "",
    labels: Mapping[str, str] | None = None,
    bundle_key: str = "",
    actor: Actor,
) -> Tool:
    """Write a new tool. Hints come from its method; a `toolName` that is its name, and empty members, are not kept.

    Raises:
        ValidationError: entries are named like the fields, those of the configuration `config.<member>`.
        ExternalIdTaken: another tool of the set has this external id.
        ToolsAreSynced: the set's upstream decides which tools there are.
        ToolSetManaged: a person may not.
    """
    check_may_write(tool_set, actor)
    tool = Tool(
        workspace_id=tool_set.workspace_id,
        tool_set=tool_set,
        name=name,
        title=title,
        description=description,
        parameters=dict(parameters or NO_PARAMETERS),
        config={} if config is None else confidential.restored(config, {}, at=_HEADERS),
        status=status,
        requires_approval=requires_approval,
        external_id=external_id,
        labels=dict(labels or {}),
        bundle_key=bundle_key,
        created_by_id=actor.profile_id,
    )
    _settle(tool)
    _check(tool, CHANGEABLE)
    with transaction.atomic():
        _save(tool)
        tools_changed.send(sender=Tool, tool_set=tool_set, tools=[tool])
        trail.record(
            actor,
            "tool.created",
            subject=tool,
            changes={"config": [None, _recordable(tool.config)]},
        )
    return tool


def change_tool(tool: Tool, *, actor: Actor, **fields: Any) -> Tool:
    """Give fields (see `CHANGEABLE`) new values. ARCHIVED by hand takes a tool out until it is AVAILABLE again.

    In the headers of its configuration, `confidential.MASK` keeps the value that is there.

    Raises:
        ChangedMeanwhile: somebody else changed one of the fields since `tool` was read.
        ValidationError, ExternalIdTaken, ToolsAreSynced, ToolSetManaged: as `create_tool`.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"A tool has no changeable {sorted(unknown)}.")
    check_may_write(tool.tool_set, actor)
    current: Tool = (
        Tool.objects.in_workspace(tool.workspace_id)
        .select_related("tool_set")
        .get(pk=tool.pk)
    )
    decided = {name: fields.pop(name) for name in curating.CHANGEABLE & set(fields)}
    before = {name: getattr(current, name) for name in WRITABLE}
    for name, value in fields.items():
        setattr(current, name, value)
    current.config = confidential.restored(current.config, tool.config, at=_HEADERS)
    _settle(current)
    changes = differences(Tool(**before), {n: getattr(current, n) for n in WRITABLE})
    _check(current, set(changes))
    stated = {name: decided[name] for name in curating.STATED & set(decided)}
    with transaction.atomic():
        hold(tool, {*changes, *differences(current, stated)})
        if changes:
            _save(current, update_fields=sorted({*changes, "annotations"}))
            tools_changed.send(sender=Tool, tool_set=current.tool_set, tools=[current])
            trail.record(
                actor, "tool.updated", subject=current, changes=_masked(changes)
            )
        return _decide(current, decided, actor)


def delete_tool(tool: Tool, *, actor: Actor) -> None:
    """Take a tool away, also from the packs that chose it.

    Raises:
        ToolsAreSynced, ToolSetManaged: as `create_tool`.
    """
    check_may_write(tool.tool_set, actor)
    with transaction.atomic():
        trail.record(actor, "tool.deleted", subject=tool)
        Tool.objects.in_workspace(tool.workspace_id).filter(pk=tool.pk).delete()


def check_may_write(tool_set: ToolSet, actor: Actor) -> None:
    """Raise `ToolSetManaged` or `ToolsAreSynced` where `actor` may not write tools of this set."""
    curating.check_managed(tool_set, actor)
    if tool_set.is_syncable:
        raise ToolsAreSynced(
            "The tools of this set are synced from its upstream; none can be written here. "
            "Change them there, then sync; to take one out, omit it."
        )


def _settle(tool: Tool) -> None:
    """Bring what was given to the form in which it is kept."""
    if not isinstance(tool.config, Mapping):
        return
    kept = {name: held for name, held in tool.config.items() if held not in NOTHING}
    if kept.get("toolName") == tool.name:
        del kept["toolName"]
    tool.config = kept
    tool.annotations = hints_of(str(kept.get("requestMethod", "GET")))


def _check(tool: Tool, changed: set[str] | frozenset[str]) -> None:
    errors: dict[str, list[str]] = {}
    _collect(errors, "", lambda t: _check_values(t, changed), tool)
    if "name" in changed - errors.keys():
        _collect(errors, "name", _check_name_free, tool)
    if errors:
        raise ValidationError(errors)
    if tool.external_id and "external_id" in changed:
        _check_external_id_free(tool)


def check_values(tool: Tool) -> None:
    """Bring a tool that is not saved to the form in which it is kept, and judge it by itself, whatever others there are.

    Raises:
        ValidationError: as `create_tool`.
    """
    _settle(tool)
    _check_values(tool, CHANGEABLE)


def _check_values(tool: Tool, changed: set[str] | frozenset[str]) -> None:
    errors: dict[str, list[str]] = {}
    checks: dict[str, Callable[[Tool], object]] = {
        "name": lambda t: checked_name(t.name),
        "title": lambda t: checked_text(t.title, "title", at_most=LONGEST_TITLE),
        "description": lambda t: checked_text(
            t.description, "description", at_most=_LONGEST_DESCRIPTION
        ),
        "parameters": _check_parameters,
        "config": lambda t: check_config(t.config),
    }
    for name in changed & checks.keys():
        _collect(errors, name, checks[name], tool)
    skipped = {f.name for f in tool._meta.fields} - changed | WRITABLE
    _collect(errors, "", lambda t: t.clean_fields(exclude=skipped), tool)
    if errors:
        raise ValidationError(errors)


def _collect(
    errors: dict[str, list[str]], name: str, check: Callable[[Tool], object], tool: Tool
) -> None:
    try:
        check(tool)
    except ToolMalformed as exc:
        errors[name] = [f"This cannot be: {exc.message}."]
    except SchemaUnusable as exc:
        errors[name] = [exc.message]
    except ValidationError as exc:
        errors.update(
            exc.message_dict if hasattr(exc, "error_dict") else {name: exc.messages}
        )


def _check_name_free(tool: Tool) -> None:
    others = Tool.objects.in_workspace(tool.workspace_id).exclude(pk=tool.pk)
    if others.filter(tool_set_id=tool.tool_set_id, name=tool.name).exists():
        raise ValidationError(f"Another tool of this set is called {tool.name}.")


def _check_parameters(tool: Tool) -> None:
    if not isinstance(tool.parameters, dict):
        raise ValidationError("Give a JSON Schema as an object.")
    if tool.parameters.get("type") != "object":
        raise ValidationError('Give a JSON Schema whose type is "object".')
    packed(
        parameters=tool.parameters,
        output_schema=None,
        annotations={},
        config=tool.config if isinstance(tool.config, dict) else {},
    )
    validator_of(tool.parameters)


def _check_external_id_free(tool: Tool) -> None:
    others = Tool.objects.in_workspace(tool.workspace_id).exclude(pk=tool.pk)
    same = others.filter(tool_set_id=tool.tool_set_id, external_id=tool.external_id)
    if other := same.first():
        raise ExternalIdTaken("tool", tool.external_id, existing_id=other.pk)


def _save(tool: Tool, *, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            tool.save(update_fields=update_fields, force_insert=not update_fields)
    except IntegrityError:  # a race for the name or the external id
        _check(tool, {"name", "external_id"})
        raise


def _decide(tool: Tool, decided: dict[str, Any], actor: Actor) -> Tool:
    """What people decide about any tool, and about a written one also whether it is there at all."""
    status = decided.get("status", tool.status)
    if status != tool.status and Tool.Status.ARCHIVED in {status, tool.status}:
        del decided["status"]
        _move(tool, status, actor)
    return curating.change_tool(tool, actor=actor, **decided) if decided else tool


def _move(tool: Tool, status: str, actor: Actor) -> None:
    is_out = status == Tool.Status.ARCHIVED
    rows = Tool.objects.in_workspace(tool.workspace_id)
    if rows.filter(pk=tool.pk, status=tool.status).update(
        status=status, status_reason=_ARCHIVED if is_out else ""
    ):
        action = "tool.archived" if is_out else "tool.unarchived"
        trail.record(
            actor, action, subject=tool, changes={"status": [tool.status, status]}
        )
    tool.refresh_from_db()


def _masked(changes: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    if "config" not in changes:
        return dict(changes)
    return {**changes, "config": [_recordable(side) for side in changes["config"]]}


def _recordable(config: Mapping[str, Any]) -> dict[str, Any]:
    if "headers" not in config:
        return dict(config)
    return {**config, "headers": dict.fromkeys(config["headers"], "***")}
