"""Reads nodes into a bundle: every member is known, every value is what the domain takes, every problem has its line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from gateway.identity.validation import validate_external_id
from toolpacks import packing
from toolpacks.bundles.members import (
    DECISIONS,
    TOOL_PACK,
    TOOL_SET,
    WRITTEN_TOOL,
    Document,
    Member,
    Path,
    document_of,
    in_order,
)
from toolpacks.bundles.problems import BundleInvalid, Problem
from toolpacks.bundles.resources import Bundle, Wanted
from toolpacks.bundles.syntax import Node
from toolpacks.models import ToolPack, validate_prefix
from toolsets import connecting, documents, writing
from toolsets.confidential import confidential_headers
from toolsets.models import Tool, ToolSet

_UNKNOWN = "There is no such member."
_SECRETS = (
    "The values of secrets are no part of a bundle. Store them apart, by REST or in the admin; "
    "headers name them as ${NAME}."
)
_HOLDS_A_VALUE = "The header {} would put a secret into a file. Store it as a secret, and name it here as ${{NAME}}."


def read_bundle(nodes: Iterable[Node]) -> Bundle:
    """The bundle that all the nodes together make.

    Raises:
        BundleInvalid: with everything that is wrong.
    """
    reading = _Reading()
    for node in nodes:
        reading.add(node)
    if reading.problems:
        raise BundleInvalid(reading.problems)
    return Bundle(
        tool_sets=dict(sorted(reading.tool_sets.items())),
        packs=dict(sorted(reading.packs.items())),
    )


class _Reading:
    """What was read so far, and what was wrong with it."""

    def __init__(self) -> None:
        self.tool_sets: dict[str, Wanted] = {}
        self.packs: dict[str, Wanted] = {}
        self.problems: list[Problem] = []
        self._places: dict[tuple[str, str], str] = {}

    def add(self, document: Node) -> None:
        kinds = {
            "toolSets": (self.tool_sets, self._tool_set),
            "toolPacks": (self.packs, self._pack),
        }
        for title, node in self._members(document, "").items():
            if title not in kinds:
                self._say(
                    node, title, _SECRETS if "secret" in title.lower() else _UNKNOWN
                )
                continue
            read, read_one = kinds[title]
            for key, inner in self._keyed(node, title):
                read[key] = read_one(key, inner, f"{title}.{key}")

    def _tool_set(self, key: str, node: Node, path: str) -> Wanted:
        members = dict(self._members(node, path))
        tools = members.pop("tools", None)
        values = self._values(TOOL_SET, members, node, path)
        if values is None:
            return Wanted(key=key, document={})
        document = document_of(TOOL_SET, values)
        with_type = {**values, **split_adapter(values)}
        self._judge(TOOL_SET, node, path, lambda: _check_tool_set(key, with_type))
        adapter = with_type["adapter"]
        self._refuse_secrets(node, path, ("spec", "adapter"), adapter)
        wanted = Wanted(key=key, document=document)
        if tools is None:
            return wanted
        here = f"{path}.tools"
        read_one = self._written if wanted.has_written_tools else self._decisions
        read = {
            name: Wanted(key=name, document=read_one(name, inner, f"{here}.{name}"))
            for name, inner in self._members(tools, here).items()
        }
        return Wanted(key=key, document=document, tools=dict(sorted(read.items())))

    def _written(self, key: str, node: Node, path: str) -> Document:
        """A tool that is written by hand; without a name it is called like its external id."""
        members = self._members(node, path)
        values = self._values(WRITTEN_TOOL, members, node, path)
        if values is None:
            return {}
        if values["name"] is None:
            values["name"] = key
        config = values["config"][ToolSet.AdapterType.HTTP.value]
        tool = Tool(external_id=key, **{**values, "config": config})
        self._judge(WRITTEN_TOOL, node, path, lambda: writing.check_values(tool))
        self._refuse_secrets(node, path, ("spec", "config"), config)
        kept = {ToolSet.AdapterType.HTTP.value: in_order(tool.config)}
        return document_of(WRITTEN_TOOL, {**values, "config": kept})

    def _refuse_secrets(
        self, node: Node, path: str, at: Path, holder: Mapping[str, Any]
    ) -> None:
        for header in confidential_headers(holder):
            step = (*at, "headers", header)
            self._say(
                _deepest(node, step),
                ".".join((path, *step)),
                _HOLDS_A_VALUE.format(header),
            )

    def _decisions(self, key: str, node: Node, path: str) -> Document:
        values = self._values(DECISIONS, self._members(node, path), node, path)
        if values is None:
            return {}
        self._judge(DECISIONS, node, path, lambda: _check_decisions(values))
        return document_of(DECISIONS, values)

    def _pack(self, key: str, node: Node, path: str) -> Wanted:
        members = self._members(node, path)
        values = self._values(TOOL_PACK, members, node, path)
        if values is None:
            return Wanted(key=key, document={})
        if "connectors" in members:
            values["connectors"] = self._connectors(members["connectors"], path)
        self._judge(TOOL_PACK, node, path, lambda: _check_pack(key, values))
        return Wanted(key=key, document=document_of(TOOL_PACK, values))

    def _connectors(self, node: Node, path: str) -> Document:
        here = f"{path}.connectors"
        read = {
            key: self._connector(inner, f"{here}.{key}")
            for key, inner in self._members(node, here).items()
        }
        return dict(sorted(read.items()))

    def _connector(self, node: Node, path: str) -> Document:
        """`{}` follows the whole tool set; with `tools` it holds exactly these."""
        members = self._members(node, path)
        given = {name: inner.plain for name, inner in members.items()}
        tools, prefix = given.pop("tools", None), given.pop("prefix", None)
        mode = given.pop("mode", "ALL" if tools is None else "CHOSEN")
        for name in given:
            self._say(members[name], f"{path}.{name}", _UNKNOWN)
        if wrong := _wrong_connector(mode, tools, prefix):
            self._say(node, path, wrong)
            return {}
        said: Document = {} if prefix is None else {"prefix": prefix}
        return said if tools is None else {**said, "tools": sorted({*tools})}

    # --- what all of them have in common ----------------------------------------------------------------------------

    def _members(self, node: Node, path: str) -> Mapping[str, Node]:
        if isinstance(node.value, Mapping):
            return node.value
        if node.value is not None:
            self._say(node, path, "Give an object.")
        return {}

    def _keyed(self, node: Node, title: str) -> Iterator[tuple[str, Node]]:
        """The resources of a kind; one that is named in two places is a problem of the second."""
        for key, inner in self._members(node, title).items():
            path = f"{title}.{key}"
            try:
                validate_external_id(key)
            except ValidationError as exc:
                self._say(inner, path, " ".join(exc.messages))
                continue
            if first := self._places.get((title, key)):
                self._say(inner, path, f"It is named at {first} already.")
                continue
            self._places[title, key] = inner.place
            yield key, inner

    def _values(
        self,
        table: Sequence[Member],
        members: Mapping[str, Node],
        node: Node,
        path: str,
    ) -> dict[str, Any] | None:
        """The value of each field, defaults where nothing is said; None when something is wrong."""
        found, before = self._flat(table, members, path), len(self.problems)
        values: dict[str, Any] = {}
        for member in table:
            inner = found.get(member.path)
            if inner is None or inner.value is None:
                values[member.field] = member.default
                if member.is_required:
                    self._say(inner or node, path, f"Give {'.'.join(member.path)}.")
                continue
            values[member.field] = inner.plain
            if words := member.wrong(inner.plain):
                self._say(inner, ".".join((path, *member.path)), words)
        return None if len(self.problems) > before else values

    def _flat(
        self, table: Sequence[Member], members: Mapping[str, Node], path: str
    ) -> dict[Path, Node]:
        """The nodes by the paths of the table; what is not in the table is a problem."""
        known = {member.path for member in table}
        found: dict[Path, Node] = {}
        for name, node in members.items():
            if (name,) in known:
                found[name,] = node
            elif any(name == step[0] for step in known):
                inner = self._members(node, f"{path}.{name}")
                found |= {(name, each): inner[each] for each in inner}
            else:
                self._unknown(node, path, name)
        for step in [step for step in found if step not in known]:
            self._unknown(found.pop(step), path, ".".join(step))
        return found

    def _unknown(self, node: Node, path: str, name: str) -> None:
        self._say(
            node, f"{path}.{name}", _SECRETS if "secret" in name.lower() else _UNKNOWN
        )

    def _judge(
        self,
        table: Sequence[Member],
        node: Node,
        path: str,
        check: Callable[[], None],
    ) -> None:
        """Let the domain judge values; what it says of a field is a problem at the field's line."""
        steps = {member.field: member.path for member in table}
        try:
            check()
        except ValidationError as exc:
            for field, texts in exc.message_dict.items():
                name, _, rest = field.partition(".")
                step = [*steps.get(name, (name,)), *([rest] if rest else [])]
                place = _deepest(node, step)
                self._say(place, ".".join((path, *step)), " ".join(texts))

    def _say(self, node: Node, path: str, text: str) -> None:
        self.problems.append(Problem(path=path, place=node.place, text=text))


def split_adapter(values: Mapping[str, Any]) -> dict[str, Any]:
    """The union of a document as the two fields of a tool set."""
    ((adapter_type, adapter),) = values["adapter"].items()
    return {"adapter_type": adapter_type, "adapter": adapter}


def _deepest(node: Node, path: Sequence[str]) -> Node:
    """The node at the path, or where it ends early; the name of a union's one member may be left out."""
    for name in path:
        if not isinstance(node.value, Mapping):
            break
        inner = node.value
        if name not in inner and len(inner) == 1:
            only = next(iter(inner.values()))
            inner = only.value if isinstance(only.value, Mapping) else inner
        if name not in inner:
            break
        node = inner[name]
    return node


def _check_tool_set(key: str, values: Mapping[str, Any]) -> None:
    given = {name: value for name, value in values.items() if value is not None}
    given["adapter"] = documents.as_kept(given["adapter"])
    connecting.check_values(ToolSet(external_id=key, **given), only={*given})


def _check_decisions(values: Mapping[str, Any]) -> None:
    given = {"external_id": values["external_id"], "labels": values["labels"]}
    tool = Tool(**given)
    tool.clean_fields(exclude={f.name for f in tool._meta.fields} - {*given})


def _check_pack(key: str, values: Mapping[str, Any]) -> None:
    given = {
        name: value
        for name, value in values.items()
        if value is not None and name != "connectors"
    }
    packing.check_values(ToolPack(external_id=key, **given), only={*given})


def _wrong_connector(mode: Any, tools: Any, prefix: Any) -> str:
    if mode not in {"ALL", "CHOSEN"} or (mode == "ALL") != (tools is None):
        return "Give mode ALL without tools, or mode CHOSEN with the names of tools."
    if tools is not None and not _are_names(tools):
        return "tools is a list of the names of tools."
    try:
        validate_prefix("" if prefix is None else prefix)
    except (ValidationError, TypeError) as exc:
        return " ".join(getattr(exc, "messages", ["prefix is text."]))
    return ""


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(name, str) and 0 < len(name) <= 255 for name in value
    )
