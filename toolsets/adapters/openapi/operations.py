"""The operations of a document, one after the other, and what each becomes as a tool."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolsets.adapters.definitions import (
    LONGEST_TITLE,
    ToolDefinition,
    ToolMalformed,
    checked_name,
    packed,
)
from toolsets.adapters.http.hints import hints_of
from toolsets.adapters.openapi.bodies import body_of
from toolsets.adapters.openapi.dialect import Direction
from toolsets.adapters.openapi.documents import Document
from toolsets.adapters.openapi.inputs import Input, input_of
from toolsets.adapters.openapi.parameters import parameters_of
from toolsets.adapters.openapi.responses import media_type_of, output_of
from toolsets.adapters.openapi.schemas import Schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_NOT_SENT = "trace"
_LONGEST_DESCRIPTION = 16 * 1024
_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation where it stands in the document."""

    path: str
    method: str
    path_item: Mapping[str, Any]
    raw: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How to call it in a message."""
        given = self.raw.get("operationId")
        place = f"{self.method.upper()} {self.path}"
        text = f"{given} ({place})" if isinstance(given, str) and given else place
        return _CONTROL.sub("\ufffd", text)[:160]


def operations_of(document: Document) -> Iterator[Operation | tuple[str, str]]:
    """Every operation; for a path that cannot be read, what it is and why."""
    for path, raw in document.root["paths"].items():
        if path.startswith("x-"):
            continue
        try:
            item = document.object_at(raw, "its path item")
        except ToolMalformed as exc:
            yield _CONTROL.sub("\ufffd", path)[:160], exc.message
            continue
        for method in METHODS:
            if isinstance(item.get(method), Mapping):
                yield Operation(
                    path=path, method=method, path_item=item, raw=item[method]
                )


class ToolWriter:
    """Makes tools of the operations of one document."""

    def __init__(self, document: Document, *, headers_set: frozenset[str]) -> None:
        self._document = document
        self._headers_set = headers_set
        self._sent = Schemas(document, Direction.REQUEST)
        self._received = Schemas(document, Direction.RESPONSE)

    def definition(
        self, operation: Operation, *, name: str, server: Mapping[str, str]
    ) -> ToolDefinition:
        """The tool that calls an operation at a `server`, as its configuration shall say it.

        Raises:
            ToolMalformed: it cannot be expressed as one.
        """
        if operation.method == _NOT_SENT:
            raise ToolMalformed("TRACE requests are not sent")
        if {".", ".."} & set(operation.path.split("/")):
            raise ToolMalformed("its path holds the segments . or ..")
        given = self._input(operation)
        raw = operation.raw
        title = _CONTROL.sub(" ", _text(raw.get("summary"))).strip()
        return ToolDefinition(
            name=checked_name(name),
            title=title[:LONGEST_TITLE],
            description=_description(raw),
            needs_tasks=False,
            packed=packed(
                parameters=given.schema,
                output_schema=output_of(
                    self._document, self._received, operation.method, raw
                ),
                annotations=hints_of(operation.method) | {"openWorldHint": True},
                config=self._config(operation, given, server),
            ),
        )

    def _input(self, operation: Operation) -> Input:
        parameters = parameters_of(
            self._document,
            operation.path_item,
            operation.raw,
            headers_set=self._headers_set,
        )
        in_path = {p.name for p in parameters if p.place == "path"}
        placeholders = set(_PLACEHOLDER.findall(operation.path))
        if missing := sorted(placeholders - in_path):
            raise ToolMalformed(
                f"its path parameter {missing[0][:80]!r} is not described"
            )
        body = body_of(self._document, operation.method, operation.raw)
        sent = [p for p in parameters if p.place != "path" or p.name in placeholders]
        return input_of(self._document, self._sent, sent, body)

    def _config(
        self, operation: Operation, given: Input, server: Mapping[str, str]
    ) -> dict[str, Any]:
        config: dict[str, Any] = {
            "method": operation.method.upper(),
            "path": operation.path,
            "operationId": _NOT_TEXT.sub(
                "\ufffd", _text(operation.raw.get("operationId"))
            ),
            **server,
        }
        if accept := media_type_of(self._document, operation.raw):
            config["accept"] = accept
        if given.parameters:
            config["parameters"] = [one.sent_as() for one in given.parameters]
        if given.body:
            config["body"] = given.body
        return config


def _description(raw: Mapping[str, Any]) -> str:
    text = _NOT_TEXT.sub(
        "\ufffd", _text(raw.get("description")) or _text(raw.get("summary"))
    )
    said = f"Deprecated. {text}" if raw.get("deprecated") is True else text
    return said[:_LONGEST_DESCRIPTION]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
