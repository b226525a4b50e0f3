"""A bundle as it is wanted: tool sets with what is said of their tools, and packs, each by its external id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolpacks.bundles.members import Document
from toolsets.models import ToolSet


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One resource as the bundle wants it. `key` is its external id; for a tool that is synced, the upstream's name."""

    key: str
    document: Document
    tools: Mapping[str, "Wanted"] = field(default_factory=dict)

    @property
    def adapter_type(self) -> str:
        return str(next(iter(self.document["spec"]["adapter"])))

    @property
    def has_written_tools(self) -> bool:
        """Whether the tools of this set are written by hand, and defined here."""
        return self.adapter_type not in ToolSet.SYNCABLE

    def tool_names(self) -> set[str]:
        """What the set's tools are called, as far as the bundle says it."""
        if self.has_written_tools:
            return {tool.document["name"] for tool in self.tools.values()}
        return {*self.tools}

    @property
    def whole(self) -> Document:
        """The document with that of its tools, as a file holds it."""
        if not self.tools:
            return self.document
        tools = {key: self.tools[key].document for key in sorted(self.tools)}
        return {**self.document, "tools": tools}


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a bundle names, ordered by key."""

    tool_sets: Mapping[str, Wanted]
    packs: Mapping[str, Wanted]

    def __bool__(self) -> bool:
        return bool(self.tool_sets or self.packs)

    @property
    def plain(self) -> dict[str, Any]:
        """The bundle as one document of JSON."""
        named = {"toolSets": self.tool_sets, "toolPacks": self.packs}
        return {
            title: {key: wanted.whole for key, wanted in resources.items()}
            for title, resources in named.items()
            if resources
        }
