"""Brings the connectors of a pack to what somebody declares about them, by slugs and names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.core.exceptions import ValidationError

from gateway.audit.trail import Actor
from gateway.identity.models import Workspace
from toolpacks.models import Connector, ToolPack
from toolpacks.packing import UNSET, Attachment, Unset, attach_all
from toolsets.models import Tool, ToolSet


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One connector as somebody wants it. `tool_names` None means all tools, an empty list no connector;
    unset it means all tools on a new connector, and as they are on one that exists."""

    slug: str
    tool_names: Sequence[str] | Literal[Unset.UNSET] | None = UNSET
    prefix: str | Literal[Unset.UNSET] | None = UNSET


def replace_connectors(
    pack: ToolPack, declared: Sequence[Declared], *, actor: Actor
) -> None:
    """The pack has exactly these connectors from now on.

    Raises:
        ValidationError: a slug, a tool's name or a prefix is wrong; nothing was changed.
        ChangedMeanwhile: somebody else changed the pack or its connectors since `pack` was read.
    """
    named = {item.slug for item in declared}
    others = [tool_set for tool_set in _attached(pack) if tool_set.slug not in named]
    _declare(pack, declared, others, actor)


def upsert_connectors(
    pack: ToolPack, declared: Sequence[Declared], *, actor: Actor
) -> None:
    """The pack has these connectors from now on, and the others as they were.

    Raises:
        ValidationError, ChangedMeanwhile: as `replace_connectors`.
    """
    _declare(pack, declared, [], actor)


def attachments(
    workspace: Workspace | str, declared: Sequence[Declared], *, existing: Iterable[str]
) -> list[Attachment]:
    """The declared connectors that are to be there, with their rows. `existing` are the slugs already attached.

    Raises:
        ValidationError: a slug is unknown or named twice, or a tool's name is unknown.
    """
    tool_sets = _tool_sets(workspace, declared)
    tools = _tools(tool_sets, declared)
    known = set(existing)
    return [
        Attachment(
            tool_set=tool_sets[item.slug],
            tools=_wanted_tools(item, tools, is_new=item.slug not in known),
            prefix=item.prefix,
        )
        for item in declared
        if item.tool_names != []
    ]


def _declare(
    pack: ToolPack, declared: Sequence[Declared], others: list[ToolSet], actor: Actor
) -> None:
    attached = {tool_set.slug: tool_set for tool_set in _attached(pack)}
    wanted = attachments(pack.workspace_id, declared, existing=attached)
    emptied = [
        attached[item.slug]
        for item in declared
        if item.tool_names == [] and item.slug in attached
    ]
    attach_all(pack, wanted, detached=[*others, *emptied], actor=actor)


def _attached(pack: ToolPack) -> list[ToolSet]:
    connectors = Connector.objects.in_workspace(pack.workspace_id).filter(pack=pack)
    return [connector.tool_set for connector in connectors.select_related("tool_set")]


def _tool_sets(
    workspace: Workspace | str, declared: Sequence[Declared]
) -> dict[str, ToolSet]:
    slugs = [item.slug for item in declared]
    rows = ToolSet.objects.in_workspace(workspace).filter(slug__in=slugs)
    found = {tool_set.slug: tool_set for tool_set in rows}
    errors = {}
    for index, slug in enumerate(slugs):
        if slug not in found:
            errors[_at(index, "slug")] = f"This workspace has no tool set {slug!r}."
        elif slug in slugs[:index]:
            errors[_at(index, "slug")] = f"{slug} is named twice."
    if errors:
        raise ValidationError(errors)
    return found


def _tools(
    tool_sets: dict[str, ToolSet], declared: Sequence[Declared]
) -> dict[tuple[str, str], Tool]:
    """The tools that are named, by slug and name."""
    slug_of = {tool_set.pk: slug for slug, tool_set in tool_sets.items()}
    names = {name for item in declared for name in _names(item)}
    rows = Tool.objects.filter(tool_set__in=slug_of, name__in=names)
    found = {(slug_of[tool.tool_set_id], tool.name): tool for tool in rows}
    errors = {}
    for index, item in enumerate(declared):
        if missing := [n for n in _names(item) if (item.slug, n) not in found]:
            errors[_at(index, "tool_names")] = (
                f"{item.slug} has no tool {', '.join(missing[:20])}."
            )
    if errors:
        raise ValidationError(errors)
    return found


def _names(item: Declared) -> Sequence[str]:
    if item.tool_names is None or item.tool_names is UNSET:
        return ()
    return item.tool_names


def _wanted_tools(
    item: Declared, tools: dict[tuple[str, str], Tool], *, is_new: bool
) -> list[Tool] | Literal[Unset.UNSET] | None:
    if item.tool_names is UNSET:
        return None if is_new else UNSET
    if item.tool_names is None:
        return None
    return [tools[item.slug, name] for name in item.tool_names]


def _at(index: int, member: str) -> str:
    return f"connectors[{index}].{member}"
