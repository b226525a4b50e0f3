"""Reads an OpenAPI document, and the references within it."""

import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from toolsets.adapters.definitions import ToolMalformed
from toolsets.adapters.failures import DocumentInvalid, ListingTooLarge
from toolsets.adapters.openapi import yaml_text

MOST_BYTES = 32 * 1024 * 1024
_MOST_HOPS = 50
_SHOWN = 120


class Document:
    """An OpenAPI document of a version that is understood."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.is_3_0 = str(root["openapi"]).startswith("3.0")

    def at(self, pointer: str) -> Any:
        """What a reference such as `#/components/schemas/Pet` refers to.

        Raises:
            ToolMalformed: it leads out of the document, or to nothing.
        """
        if not isinstance(pointer, str) or pointer[:1] != "#":
            raise ToolMalformed(
                f"it refers to {str(pointer)[:_SHOWN]!r}; only references within the document (#/…) are followed"
            )
        value: Any = self.root
        for step in unquote(pointer[1:]).split("/")[1:] if pointer != "#" else []:
            value = _step(value, step.replace("~1", "/").replace("~0", "~"), pointer)
        if pointer[1:2] not in {"", "/"}:
            raise _leads_nowhere(pointer)
        return value

    def resolved(self, value: Any) -> Any:
        """`value`, or what it refers to, however many references that takes. Raises as `at`."""
        for _ in range(_MOST_HOPS):
            if not isinstance(value, dict) or "$ref" not in value:
                return value
            value = self.at(value["$ref"])
        raise ToolMalformed("its references go in a circle")

    def object_at(self, value: Any, what: str) -> dict[str, Any]:
        """`value`, resolved, which must be an object. Raises as `at`."""
        found = self.resolved(value)
        if not isinstance(found, dict):
            raise ToolMalformed(f"{what} is not an object")
        return found


def _step(value: Any, step: str, pointer: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    raise _leads_nowhere(pointer)


def _leads_nowhere(pointer: str) -> ToolMalformed:
    return ToolMalformed(f"{pointer[:_SHOWN]!r} refers to nothing in the document")


def read(content: bytes) -> Document:
    """Read a document of JSON or YAML.

    Raises:
        ListingTooLarge: it takes too many bytes.
        DocumentInvalid: it is no OpenAPI document, or of a version that is not understood.
    """
    if len(content) > MOST_BYTES:
        raise ListingTooLarge(
            f"The document is larger than {MOST_BYTES // 1024**2} MiB. Give a smaller one: one API, not all of them."
        )
    root = _parsed(content)
    if not isinstance(root, dict):
        raise DocumentInvalid(
            f"This is not an OpenAPI document: it is no object. {_WANTED}"
        )
    _check_version(root)
    if not isinstance(root.get("paths"), dict) or not root["paths"]:
        raise DocumentInvalid(
            "The OpenAPI document has no paths, so there is nothing to call."
        )
    return Document(root)


_WANTED = (
    "Give the address (or the text) of the document itself, as JSON or YAML; "
    "a page that shows the documentation is not it."
)


def _parsed(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DocumentInvalid(f"The document is not UTF-8 text. {_WANTED}") from exc
    if text.lstrip()[:1] == "<":
        raise DocumentInvalid(
            f"This is HTML or XML, not an OpenAPI document. {_WANTED}"
        )
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        if text.lstrip()[:1] == "{" and '"' in text.lstrip()[1:].lstrip()[:1]:
            raise DocumentInvalid(f"The document is not JSON: {exc}.") from exc
    try:
        return yaml_text.load(text)
    except yaml_text.YamlRefused as exc:
        raise DocumentInvalid(
            f"The document is neither JSON nor YAML that can be read: {str(exc)[:300]}. {_WANTED}"
        ) from exc


def _check_version(root: Mapping[str, Any]) -> None:
    if "swagger" in root:
        raise DocumentInvalid(
            f"This is a Swagger {str(root['swagger'])[:20]} document. Convert it to OpenAPI 3 "
            "(converter.swagger.io and npm's swagger2openapi do that), then give the result."
        )
    version = root.get("openapi")
    if version is None:
        raise DocumentInvalid(
            f"This is not an OpenAPI document: it has no member `openapi`. {_WANTED}"
        )
    if not str(version).startswith(("3.0", "3.1", "3.2")):
        raise DocumentInvalid(
            f"The document is of OpenAPI {str(version)[:20]!r}; 3.0, 3.1 and 3.2 are understood."
        )


def packed_as_json(document: Document) -> bytes:
    """The document as JSON, as it is kept.

    Raises:
        DocumentInvalid: it cannot be written so.
    """
    try:
        return packed(orjson.dumps(document.root))
    except TypeError as exc:  # too deep, a number beyond 64 bits, half a surrogate pair
        raise DocumentInvalid(f"The document cannot be kept as JSON: {exc}.") from exc


def packed(text: bytes) -> bytes:
    """A text, compressed."""
    return zlib.compress(text, 6)


def unpacked(kept: bytes) -> bytes:
    """A text that was packed."""
    return zlib.decompress(kept)
