"""Reads YAML as OpenAPI means it: YAML 1.2's core schema, so dates and `no` stay text, and keys are text.

What aliases stand for is counted before it is shared, so that a small document cannot stand for a huge one.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import events

_MOST_NODES = 3_000_000
_DEEPEST = 100
_PLAIN = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    spelt: spelt.lower() == "true"
    for spelt in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_MAY_BE_A_NUMBER = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_OTHER_INTEGER = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


class YamlRefused(ValueError):
    """It is no YAML, or more than is read."""


class _Node:
    """A mapping or sequence under construction: its value, what it expands to, and the key that waits for a value."""

    __slots__ = ("anchor", "key", "merges", "size", "value", "waits")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.size = 1
        self.key = ""
        self.waits = False
        self.merges: list[dict[str, Any]] = []


def load(text: str) -> Any:
    """The only document in `text`.

    Raises:
        YamlRefused: it is not YAML, or it is too deep, or stands for too much.
    """
    try:
        return _built(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as exc:
        raise YamlRefused(_where(exc)) from exc


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _built(stream: Iterator[Any]) -> Any:
    root = _Node([], None)
    open_nodes = [root]
    anchors: dict[str, tuple[Any, int]] = {}
    for event in stream:
        kind = type(event)
        if kind is events.ScalarEvent:
            _take_scalar(event, open_nodes[-1], anchors)
        elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            if len(open_nodes) > _DEEPEST:
                raise YamlRefused(f"it is nested deeper than {_DEEPEST} levels")
            value: Any = {} if kind is events.MappingStartEvent else []
            open_nodes.append(_Node(value, event.anchor))
        elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            _close(open_nodes.pop(), open_nodes[-1], anchors)
        elif kind is events.AliasEvent:
            if event.anchor not in anchors:
                raise YamlRefused(f"the alias *{event.anchor[:80]} stands for nothing")
            _give(open_nodes[-1], *anchors[event.anchor])
        elif kind is events.DocumentStartEvent and root.value:
            raise YamlRefused("it holds more than one document")
    return root.value[0] if root.value else None


def _close(node: _Node, parent: _Node, anchors: dict[str, tuple[Any, int]]) -> None:
    for merged in reversed(node.merges):
        node.value = merged | node.value
    if node.anchor:
        anchors[node.anchor] = node.value, node.size
    _give(parent, node.value, node.size)


def _take_scalar(
    event: Any, parent: _Node, anchors: dict[str, tuple[Any, int]]
) -> None:
    is_key = isinstance(parent.value, dict) and not parent.waits
    value = event.value if is_key else _scalar(event)
    if event.anchor:
        anchors[event.anchor] = value, 1
    _give(parent, value, 1)


def _give(parent: _Node, value: Any, size: int) -> None:
    parent.size += size
    if parent.size > _MOST_NODES:
        raise YamlRefused(f"its aliases stand for more than {_MOST_NODES:,} values")
    if isinstance(parent.value, list):
        parent.value.append(value)
    elif not parent.waits:
        if not isinstance(value, str):
            raise YamlRefused("a key is not text")
        parent.key, parent.waits = value, True
    else:
        parent.waits = False
        if parent.key == "<<":
            _merge(parent, value)
        else:
            parent.value[parent.key] = value


def _merge(parent: _Node, value: Any) -> None:
    for merged in value if isinstance(value, list) else [value]:
        if not isinstance(merged, dict):
            raise YamlRefused("<< stands for something that is not a mapping")
        parent.merges.append(merged)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag is not None:
        return _tagged(event.tag, text)
    if not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return _number(text) if text[0] in _MAY_BE_A_NUMBER else text


def _tagged(tag: str, text: str) -> Any:
    match tag.removeprefix(_PLAIN):
        case "null":
            return None
        case "bool":
            return _BOOLEANS.get(text, text)
        case "int" | "float":
            return _number(text)
        case _:
            return text


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_INTEGER.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text
