"""Makes tool packs, and attaches connectors with chosen tools to them.

Whoever writes a pack's connectors holds the pack first.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.differences import differences
from gateway.audit.trail import Actor
from gateway.identity.editing import hold
from gateway.identity.models import Workspace
from gateway.identity.validation import slug_from
from toolpacks.models import (
    Connector,
    ConnectorTool,
    ToolPack,
    validate_prefix,
)
from toolsets.errors import ExternalIdTaken
from toolsets.models import Tool, ToolSet

CHANGEABLE = frozenset(
    {
        "name",
        "slug",
        "external_id",
        "bundle_key",
        "description",
        "access",
        "default_for_new_users",
        "is_enabled",
    }
)


class Unset(Enum):
    """Says that a value is not given, where None is a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """What a pack should hold of one tool set: `tools` None means all of them, now and later.

    A prefix of None is the tool set's slug; an unset one stays as it is.
    """

    tool_set: ToolSet
    tools: Sequence[Tool] | Literal[Unset.UNSET] | None = UNSET
    prefix: str | Literal[Unset.UNSET] | None = UNSET


def create_pack(
    workspace: Workspace,
    *,
    name: str,
    description: str = "",
    slug: str = "",
    external_id: str = "",
    bundle_key: str = "",
    access: str = ToolPack.Access.OPEN,
    default_for_new_users: bool = False,
    is_enabled: bool = True,
    attachments: Sequence[Attachment] = (),
    actor: Actor,
) -> ToolPack:
    """Make a pack, with its first connectors where they are given.

    Raises:
        ValidationError: a field is wrong.
        ExternalIdTaken: another pack of the workspace has this external id.
    """
    pack = ToolPack(
        workspace=workspace,
        name=name,
        slug=slug or _free_slug(workspace, name),
        external_id=external_id,
        bundle_key=bundle_key,
        description=description,
        access=access,
        default_for_new_users=default_for_new_users,
        is_enabled=is_enabled,
        created_by_id=actor.profile_id,
    )
    _check(pack, CHANGEABLE)
    for wanted in attachments:
        _check_attachment(pack, wanted)
    with transaction.atomic():
        _save(pack)
        trail.record(actor, "tool_pack.created", subject=pack)
        for wanted in attachments:
            _attach(pack, wanted, actor)
    return pack


def change_pack(pack: ToolPack, *, actor: Actor, **fields: Any) -> ToolPack:
    """Give fields (see `CHANGEABLE`) new values.

    Raises:
        ValidationError, ExternalIdTaken: as `create_pack`.
        ChangedMeanwhile: somebody else changed one of the fields since `pack` was read.
    """
    if unknown := set(fields) - CHANGEABLE:
        raise TypeError(f"A tool pack has no changeable {sorted(unknown)}.")
    current: ToolPack = ToolPack.objects.in_workspace(pack.workspace_id).get(pk=pack.pk)
    changes = differences(current, fields)
    if not changes:
        return current
    for name in changes:
        setattr(current, name, fields[name])
    _check(current, frozenset(changes))
    with transaction.atomic():
        hold(pack, changes)
        _save(current, update_fields=[*sorted(changes), "modified_at"])
        trail.record(actor, "tool_pack.updated", subject=current, changes=changes)
    return current


@transaction.atomic
def delete_pack(pack: ToolPack, *, actor: Actor) -> None:
    """Take the pack away. Keys that were limited to it alone can reach nothing from now on.

    Raises:
        ChangedMeanwhile: somebody else did.
    """
    hold(pack)
    trail.record(actor, "tool_pack.deleted", subject=pack)
    ToolPack.objects.in_workspace(pack.workspace_id).filter(pk=pack.pk).delete()


def attach(
    pack: ToolPack,
    tool_set: ToolSet,
    *,
    tools: Sequence[Tool] | Literal[Unset.UNSET] | None = None,
    prefix: str | Literal[Unset.UNSET] | None = UNSET,
    actor: Actor,
) -> Connector:
    """Attach a tool set, or change how it is attached; `tools` None follows the whole set.

    Raises:
        ValidationError: the prefix is wrong, or a tool is not of this set.
        ChangedMeanwhile: somebody else deleted the pack.
    """
    wanted = Attachment(tool_set=tool_set, tools=tools, prefix=prefix)
    _check_attachment(pack, wanted)
    with transaction.atomic():
        hold(pack)
        return _attach(pack, wanted, actor)


def attach_all(
    pack: ToolPack,
    wanted: Sequence[Attachment],
    *,
    detached: Iterable[ToolSet] = (),
    actor: Actor,
) -> None:
    """Bring several connectors to what is wanted, and detach others, as one change.

    Raises:
        ValidationError: as `attach`. Nothing was changed.
        ChangedMeanwhile: somebody else changed the pack or its connectors since `pack` was read.
    """
    for attachment in wanted:
        _check_attachment(pack, attachment)
    with transaction.atomic():
        hold(pack, ["modified_at"])  # every change of its connectors moves it
        for tool_set in detached:
            _detach(pack, tool_set, actor)
        for attachment in wanted:
            _attach(pack, attachment, actor)


@transaction.atomic
def detach(pack: ToolPack, tool_set: ToolSet, *, actor: Actor) -> bool:
    """Take a connector off the pack; whether it was there.

    Raises:
        ChangedMeanwhile: somebody else deleted the pack.
    """
    hold(pack)
    return _detach(pack, tool_set, actor)


def set_prefix(
    pack: ToolPack, tool_set: ToolSet, prefix: str | None, *, actor: Actor
) -> Connector:
    """Choose what stands before the names of a connector's tools; None means the tool set's slug.

    Raises:
        ValidationError: the prefix is wrong.
        ChangedMeanwhile: as `attach`.
    """
    return attach(pack, tool_set, tools=UNSET, prefix=prefix, actor=actor)


def _free_slug(workspace: Workspace, name: str) -> str:
    taken = ToolPack.objects.in_workspace(workspace).values_list("slug", flat=True)
    return slug_from(name, taken=set(taken), fallback="tool-pack")


def check_values(pack: ToolPack, *, only: Collection[str]) -> None:
    """Judge fields of a pack by themselves, whatever others there are.

    Raises:
        ValidationError: one of them is wrong.
    """
    pack.clean_fields(exclude={f.name for f in pack._meta.fields} - {*only})


def _check(pack: ToolPack, wanted: frozenset[str]) -> None:
    check_values(pack, only=wanted)
    if "slug" in wanted:
        _check_slug_free(pack)
    if pack.external_id and "external_id" in wanted:
        _check_external_id_free(pack)


def _check_slug_free(pack: ToolPack) -> None:
    others = ToolPack.objects.in_workspace(pack.workspace_id).exclude(pk=pack.pk)
    if others.filter(slug=pack.slug).exists():
        raise ValidationError(
            {"slug": f"Another tool pack of this workspace is called {pack.slug}."}
        )


def _check_external_id_free(pack: ToolPack) -> None:
    others = ToolPack.objects.in_workspace(pack.workspace_id).exclude(pk=pack.pk)
    if other := others.filter(external_id=pack.external_id).first():
        raise ExternalIdTaken("tool pack", pack.external_id, existing_id=str(other.pk))


def _save(pack: ToolPack, *, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            pack.save(update_fields=update_fields, force_insert=not update_fields)
    except IntegrityError:  # a race for the slug or the external id
        _check(pack, frozenset({"slug", "external_id"}))
        raise


def _check_attachment(pack: ToolPack, wanted: Attachment) -> None:
    if wanted.tool_set.workspace_id != pack.workspace_id:
        raise ValidationError({"tool_set": "This workspace has no such tool set."})
    if isinstance(wanted.prefix, str):
        try:
            validate_prefix(wanted.prefix)
        except ValidationError as exc:
            raise ValidationError({"prefix": exc.messages}) from exc
    foreign = [
        tool.name for tool in _chosen(wanted) if tool.tool_set_id != wanted.tool_set.pk
    ]
    if foreign:
        raise ValidationError(
            {
                "tools": f"Not tools of {wanted.tool_set.slug}: {', '.join(foreign[:20])}."
            }
        )


def _chosen(wanted: Attachment) -> Sequence[Tool]:
    if wanted.tools is None or wanted.tools is UNSET:
        return ()
    return wanted.tools


def _attach(pack: ToolPack, wanted: Attachment, actor: Actor) -> Connector:
    """Within a transaction: make or change the connector, its tools, and the pack's date."""
    connector, created = Connector.objects.get_or_create(
        pack=pack,
        tool_set=wanted.tool_set,
        defaults={"workspace_id": pack.workspace_id, "mode": Connector.Mode.ALL},
    )
    changes = _set_facts(connector, wanted)
    if wanted.tools is not UNSET:
        changes |= _set_tools(connector, {tool.pk for tool in _chosen(wanted)})
    if created:
        first = {"mode": connector.mode, "prefix": connector.prefix}
        changes = {name: [None, value] for name, value in first.items()} | changes
    if created or changes:
        _touch(pack)
        trail.record(
            actor,
            "connector.attached" if created else "connector.updated",
            subject=connector,
            label=f"{wanted.tool_set.slug} in {pack.slug}",
            changes=changes,
        )
    return connector


def _set_facts(connector: Connector, wanted: Attachment) -> dict[str, list[Any]]:
    facts: dict[str, Any] = {}
    if wanted.tools is not UNSET:
        follows = wanted.tools is None
        facts["mode"] = Connector.Mode.ALL if follows else Connector.Mode.CHOSEN
    if wanted.prefix is not UNSET:
        facts["prefix"] = wanted.prefix
    changes = differences(connector, facts)
    for name in changes:
        setattr(connector, name, facts[name])
    if changes:
        connector.save(update_fields=sorted(changes))
    return changes


def _set_tools(connector: Connector, wanted: set[str]) -> dict[str, list[Any]]:
    held = set(
        ConnectorTool.objects.filter(connector=connector).values_list(
            "tool_id", flat=True
        )
    )
    if removed := held - wanted:
        ConnectorTool.objects.filter(connector=connector, tool__in=removed).delete()
    ConnectorTool.objects.bulk_create(
        [
            ConnectorTool(
                workspace_id=connector.workspace_id, connector=connector, tool_id=tool
            )
            for tool in sorted(wanted - held)
        ],
        batch_size=500,
    )
    if held == wanted:
        return {}
    return {"tools": [sorted(held - wanted), sorted(wanted - held)]}


def _detach(pack: ToolPack, tool_set: ToolSet, actor: Actor) -> bool:
    connector = Connector.objects.filter(pack=pack, tool_set=tool_set).first()
    if connector is None:
        return False
    trail.record(
        actor,
        "connector.detached",
        subject=connector,
        label=f"{tool_set.slug} in {pack.slug}",
    )
    connector.delete()
    _touch(pack)
    return True


def _touch(pack: ToolPack) -> None:
    pack.modified_at = timezone.now()
    pack.save(update_fields=["modified_at"])
