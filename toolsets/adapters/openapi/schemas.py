"""The schemas of a document as tools show them: self-contained, with `$defs` for what is referred to.

A schema that is referred to becomes a definition once, however often and however circularly that happens. Definitions
are added breadth first until a budget of bytes is used up; a reference beyond it allows anything, which is still true.
"""

import re
from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.openapi.dialect import Dialect, Direction
from toolsets.adapters.openapi.documents import Document

_COMPONENT = "#/components/schemas/"
_NOT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
_DEFS = "#/$defs/"


class _Definition(NamedTuple):
    """A schema that is referred to, converted, with the references in it and its size."""

    schema: Any
    references: tuple[str, ...]
    size: int


class Schemas:
    """The schemas of one document in one direction, each converted once."""

    def __init__(self, document: Document, direction: Direction) -> None:
        self._document = document
        self._flag = direction.value
        self._definitions: dict[str, _Definition] = {}
        self._pointers: dict[str, str] = {}
        self._seen: dict[str, None] = {}
        self._dialect = Dialect(
            is_3_0=document.is_3_0,
            on_ref=self._refer,
            is_left_out=self._is_left_out,
        )

    def converted(self, schema: Any) -> tuple[Any, tuple[str, ...]]:
        """A schema that stands in the document, and the names of the definitions that it needs.

        Raises:
            ToolMalformed: it cannot be used.
        """
        outer, self._seen = self._seen, {}
        try:
            return self._dialect.converted(schema), tuple(self._seen)
        finally:
            self._seen = outer

    def with_definitions(
        self, schema: dict[str, Any], needed: tuple[str, ...], *, budget: int
    ) -> dict[str, Any]:
        """The schema with `$defs` for whatever it needs, as far as the budget of bytes goes. Raises as `converted`."""
        definitions: dict[str, Any] = {}
        waiting = deque(needed)
        while waiting:
            name = waiting.popleft()
            if name in definitions:
                continue
            definition = self._definition(name)
            budget -= definition.size
            definitions[name] = {} if budget < 0 else definition.schema
            if budget >= 0:
                waiting.extend(definition.references)
        return {**schema, "$defs": definitions} if definitions else schema

    def _definition(self, name: str) -> _Definition:
        if name not in self._definitions:
            target = self._document.at(self._pointers[name])
            schema, references = self.converted(target)
            size = len(orjson.dumps(schema))
            self._definitions[name] = _Definition(schema, references, size)
        return self._definitions[name]

    def _refer(self, pointer: Any) -> dict[str, Any]:
        self._document.at(pointer)
        name = _name_of(pointer)
        self._pointers[name] = pointer
        self._seen[name] = None
        return {"$ref": _DEFS + name}

    def _is_left_out(self, value: Any) -> bool:
        try:
            found = self._document.resolved(value)
        except ToolMalformed:
            return False
        return isinstance(found, Mapping) and found.get(self._flag) is True


def _name_of(pointer: str) -> str:
    """A component keeps its name; whatever else is referred to gets one that only its pointer decides."""
    name = pointer.removeprefix(_COMPONENT)
    if name != pointer and not _NOT_FOR_A_NAME.search(name):
        return name
    last = _NOT_FOR_A_NAME.sub("_", name.rpartition("/")[2])[:60]
    return f"{last}-{sha256(pointer.encode()).hexdigest()[:8]}"
