"""Writes what a bundle owns as the bundle that would make it: the same rows give the same bytes."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import yaml

from gateway.errors import Refused
from gateway.identity.models import Workspace
from toolpacks.bundles.documents import (
    decisions_document,
    pack_document,
    tool_set_document,
    written_document,
)
from toolpacks.bundles.holding import Holding, holding_of, tools_by_set
from toolpacks.bundles.members import Document
from toolpacks.bundles.resources import Bundle, Wanted
from toolsets.confidential import confidential_headers
from toolsets.documents import adapter_with_document
from toolsets.models import Tool

FOLDERS = {"toolSets": "tool_sets", "toolPacks": "tool_packs"}


class NotExportable(Refused):
    """Something that the bundle owns cannot be said in a file. An export without it would archive it when applied."""

    code: ClassVar[str] = "not_exportable"


def export_of(workspace: Workspace, key: str) -> Bundle:
    """What the bundle owns and what is not archived.

    Raises:
        NotExportable: with everything that cannot be said, and what to do about it.
    """
    holding = holding_of(workspace, key)
    if problems := list(_problems(holding, key)):
        raise NotExportable(" ".join(problems))
    tools = tools_by_set(holding.tools)
    sets = {
        name: Wanted(
            key=name,
            document=tool_set_document(
                tool_set, adapter=adapter_with_document(tool_set)
            ),
            tools=_tools(tools.get(tool_set.pk, []), key),
        )
        for name, tool_set in sorted(holding.tool_sets.items())
        if tool_set.is_active
    }
    packs = {
        name: Wanted(
            key=name, document=pack_document(pack, holding.connectors.get(pack.pk, {}))
        )
        for name, pack in sorted(holding.packs.items())
        if pack.is_enabled
    }
    return Bundle(tool_sets=sets, packs=packs)


def _tools(tools: Iterable[Tool], key: str) -> dict[str, Wanted]:
    documents = {
        tool.name if tool.tool_set.is_syncable else tool.external_id: _document(tool)
        for tool in tools
        if tool.bundle_key == key
    }
    return {
        name: Wanted(key=name, document=document)
        for name, document in sorted(documents.items())
        if document
    }


def _document(tool: Tool) -> Document:
    if tool.tool_set.is_syncable:
        return decisions_document(tool)
    is_there = tool.status != Tool.Status.ARCHIVED
    return written_document(tool) if is_there else {}


def _problems(holding: Holding, key: str) -> Iterator[str]:
    for row in holding.nameless:
        yield f"{row.name} ({row.pk}) has no external id; give it one."
    for tool_set in holding.tool_sets.values():
        names = confidential_headers(tool_set.adapter)
        if names and tool_set.is_active:
            yield (
                f"The tool set {tool_set.external_id} has values in its headers {', '.join(names)}; "
                "store them as secrets, and name them as ${NAME}."
            )
    for tool in holding.tools.values():
        if tool.bundle_key == key:
            yield from _problems_of_tool(tool, key)
    for pack in holding.packs.values():
        for name in holding.connectors.get(pack.pk, {}):
            if name.startswith("id:"):
                yield f"The pack {pack.external_id} holds the tool set {name[3:]}, which has no external id; give it one."


def _problems_of_tool(tool: Tool, key: str) -> Iterator[str]:
    if tool.tool_set.bundle_key != key:
        yield f"The tool {tool.name} is this bundle's, its tool set {tool.tool_set} is not; hand that over too."
    elif not tool.tool_set.is_syncable and not tool.external_id:
        yield f"The tool {tool.name} ({tool.pk}) has no external id; give it one."
    elif names := confidential_headers(tool.config):
        yield (
            f"The tool {tool.name} has values in its headers {', '.join(names)}; "
            "store them as secrets, and name them as ${NAME}."
        )


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """A file for each resource, by its path, such as `tool_sets/weather.yaml`."""
    files: dict[str, bytes] = {}
    seen: set[str] = set()
    for title, resources in (
        ("toolSets", bundle.tool_sets),
        ("toolPacks", bundle.packs),
    ):
        for key, wanted in resources.items():
            path = f"{FOLDERS[title]}/{key}"
            while path.casefold() in seen:  # not every file system tells `a` from `A`
                path += "~"
            seen.add(path.casefold())
            files[f"{path}.yaml"] = as_yaml({title: {key: wanted.whole}})
    return files


def as_yaml(document: Any) -> bytes:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120
    )
    return text.encode()


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as blocks, and nothing as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
