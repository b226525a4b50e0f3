"""Reads YAML and JSON of strangers into plain nodes that know their line: no tags, bounded size, depth and aliases."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import yaml

from toolpacks.bundles.problems import BundleInvalid, Problem

MAX_BYTES = 8 * 1024 * 1024
_MOST_VALUES = 1_000_000
_CHARACTERS = 50
"""A long text counts as one value for so many characters."""
_DEEPEST = 64
_LARGEST_NUMBER = 2**63

_NULLS = {"", "~", "null", "Null", "NULL"}
_FLAGS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
_FRACTION = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]{1,4})?")
_JSON_TOKEN = re.compile(r'[{}\[\]\n]|"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+')


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the place it stands at; objects hold nodes by name, lists hold nodes."""

    value: "Mapping[str, Node] | list[Node] | str | int | float | bool | None"
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.file else f"line {self.line}"

    @property
    def plain(self) -> Any:
        """The value as JSON has it; the members of objects in the order of their names."""
        if isinstance(self.value, Mapping):
            return {name: self.value[name].plain for name in sorted(self.value)}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value


def node_of(plain: Any) -> Node:
    """A node that stands nowhere, for a value that was read before."""
    value = plain
    if isinstance(plain, Mapping):
        value = {name: node_of(inner) for name, inner in plain.items()}
    elif isinstance(plain, list):
        value = [node_of(inner) for inner in plain]
    return Node(value, "", 0)


class _Event(NamedTuple):
    kind: str
    """One of `{ } [ ] scalar alias document`."""
    value: Any
    line: int
    anchor: str | None = None


def read(data: bytes, *, file: str = "", is_json: bool = False) -> list[Node]:
    """The documents of a text; a JSON text holds one.

    Raises:
        BundleInvalid: it is not YAML or JSON, or passes a bound.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(file, 1, f"More than {MAX_BYTES // 2**20} MB. Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise _invalid(file, line, "This is not UTF-8 text.") from exc
    events = _json_events(text, file) if is_json else _yaml_events(text, file)
    reader = _Reader(events, file)
    try:
        return list(reader.documents())
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        said = getattr(exc, "problem", None) or "it cannot be read"
        line = mark.line + 1 if mark else 1
        raise _invalid(file, line, f"This is not YAML: {said}.") from exc


def _invalid(file: str, line: int, text: str) -> BundleInvalid:
    place = Node(None, file, line).place
    return BundleInvalid([Problem(path="", place=place, text=text)])


class _Reader:
    """Builds nodes from events, and stops at the first bound that is passed."""

    def __init__(self, events: Iterator[_Event], file: str) -> None:
        self._events = events
        self._file = file
        self._count = 0
        self._anchored: dict[str, tuple[Node, int]] = {}

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if event.kind == "document":
                self._anchored.clear()
            else:
                yield self._node(event, depth=1)

    def _node(self, event: _Event, *, depth: int) -> Node:
        if event.kind == "alias":
            return self._repeated(event)
        before = self._count
        self._add(_weight(event.value), event)
        if depth > _DEEPEST:
            raise self._refused(event, f"Nested deeper than {_DEEPEST} levels.")
        node = Node(self._value(event, depth), self._file, event.line)
        if event.anchor:
            self._anchored[event.anchor] = node, self._count - before
        return node

    def _value(self, event: _Event, depth: int) -> Any:
        match event.kind:
            case "{":
                return self._members(event, depth)
            case "[":
                inner = iter(self._next, None)
                return [self._node(item, depth=depth + 1) for item in inner]
            case _:
                return self._checked(event)

    def _next(self) -> _Event | None:
        """The next event inside an object or a list; None at its end."""
        event = next(self._events)
        return None if event.kind in {"}", "]"} else event

    def _members(self, event: _Event, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while key := self._next():
            name = self._name(key)
            if name in members:
                raise self._refused(key, f"{name[:80]!r} is given twice.")
            value = self._node(next(self._events), depth=depth + 1)
            members[name] = Node(value.value, self._file, key.line)
        return members

    def _name(self, key: _Event) -> str:
        if key.kind != "scalar" or not isinstance(self._checked(key), str):
            raise self._refused(key, "The name of a member must be text; quote it.")
        if key.value == "<<":
            raise self._refused(
                key, "Merge keys (<<) are not read. Repeat the members."
            )
        return str(key.value)

    def _checked(self, event: _Event) -> Any:
        value = event.value
        if isinstance(value, float | int) and not _is_bearable(value):
            raise self._refused(event, "The number is too large.")
        if isinstance(value, str) and not _is_text(value):
            raise self._refused(event, "Text must not hold NUL or half characters.")
        return value

    def _repeated(self, event: _Event) -> Node:
        if event.value not in self._anchored:
            raise self._refused(
                event, f"*{event.value} names nothing that is complete."
            )
        node, size = self._anchored[event.value]
        self._add(size, event)
        return node

    def _add(self, size: int, event: _Event) -> None:
        self._count += size
        if self._count > _MOST_VALUES:
            raise self._refused(
                event,
                f"More than {_MOST_VALUES:,} values, aliases counted as often as they stand.",
            )

    def _refused(self, event: _Event, text: str) -> BundleInvalid:
        return _invalid(self._file, event.line, text)


def _weight(value: Any) -> int:
    return 1 + len(value) // _CHARACTERS if isinstance(value, str) else 1


def _is_bearable(number: float | int) -> bool:
    return math.isfinite(number) and abs(number) < _LARGEST_NUMBER


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


def _yaml_events(text: str, file: str) -> Iterator[_Event]:
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = (event.start_mark.line if event.start_mark else 0) + 1
        if getattr(event, "tag", None) is not None:
            raise _invalid(file, line, "Tags (!…) are not read. Take the tag away.")
        match event:
            case yaml.DocumentStartEvent():
                yield _Event("document", None, line)
            case yaml.MappingStartEvent():
                yield _Event("{", None, line, event.anchor)
            case yaml.SequenceStartEvent():
                yield _Event("[", None, line, event.anchor)
            case yaml.MappingEndEvent():
                yield _Event("}", None, line)
            case yaml.SequenceEndEvent():
                yield _Event("]", None, line)
            case yaml.AliasEvent():
                yield _Event("alias", event.anchor, line)
            case yaml.ScalarEvent():
                is_plain = event.implicit[0]
                value = _resolved(event.value) if is_plain else event.value
                yield _Event("scalar", value, line, event.anchor)


def _resolved(text: str) -> Any:
    """What a plain word of YAML is: as in JSON, and nothing cleverer; `no` and `2026-01-31` are text."""
    if text in _NULLS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _json_events(text: str, file: str) -> Iterator[_Event]:
    """The tokens of a text that a strict parser found to be JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise _invalid(file, exc.lineno, f"This is not JSON: {exc.msg}.") from exc
    line = 1
    for found in _JSON_TOKEN.finditer(text):
        word = found[0]
        if word == "\n":
            line += 1
        elif word in "{}[]":
            yield _Event(word, None, line)
        else:
            yield _Event("scalar", _json_scalar(word), line)


def _json_scalar(word: str) -> Any:
    return int(word) if _INTEGER.fullmatch(word) else orjson.loads(word)
