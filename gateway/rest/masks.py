"""Applies an update to a document: which members a mask, or their presence, replaces."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.operations import Parameter
from gateway.rest.queries import Query, camel_case

Document = dict[str, Any]
Path = tuple[str, ...]
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*")
_SPELLINGS = ("updateMask", "update_mask")
UPDATE_MASK = Parameter(
    name="updateMask",
    schema={"type": "string"},
    description="The fields to replace, as dotted paths separated by commas; the body may say it instead.",
)


def mask_of(body: Mapping[str, Any], query: Query) -> list[Path] | None:
    """The paths of the update mask, in camelCase, from the body or else the query; None when there is none."""
    named = (body[s] for s in _SPELLINGS if body.get(s) not in (None, "", []))
    given = next(named, None)
    given = query.text("updateMask") if given is None else given
    if isinstance(given, Mapping) and set(given) == {"paths"}:
        given = given["paths"]
    if isinstance(given, list) and all(isinstance(path, str) for path in given):
        given = ",".join(given)
    if not isinstance(given, str):
        raise ValidationError(
            {"updateMask": "Give paths as text, separated by commas."}
        )
    paths = [path.strip() for path in given.split(",") if path.strip()]
    for path in paths:
        if not _PATH.fullmatch(path):
            raise ValidationError({"updateMask": f"{path[:80]!r} is not a path."})
    return [_camel(path) for path in paths] or None


def without_mask(body: Mapping[str, Any]) -> Document:
    return {name: value for name, value in body.items() if name not in _SPELLINGS}


def present_paths(body: Mapping[str, Any], *, containers: Iterable[str]) -> list[Path]:
    """The mask that a body without one stands for: each member that is present, one level down in `containers`."""
    paths: list[Path] = []
    for name, value in body.items():
        if name in containers and isinstance(value, Mapping):
            paths.extend((name, member) for member in value)
        elif name not in containers or value is not None:
            paths.append((name,))
    return paths


def merged(
    current: Mapping[str, Any], update: Mapping[str, Any], paths: Iterable[Path]
) -> Document:
    """`current` with the member at each path replaced by that of `update`, or taken away where it has none."""
    document: Document = dict(current)
    for path in paths:
        document = _replaced(document, update, path)
    return document


def touches(path: Path, paths: Iterable[Path]) -> bool:
    """Whether a change at any of `paths` changes what stands at `path`."""
    return any(path[: len(p)] == p[: len(path)] for p in paths)


def _replaced(document: Mapping[str, Any], update: Any, path: Path) -> Document:
    name, *rest = path
    given = update.get(name) if isinstance(update, Mapping) else None
    if rest:
        held = document.get(name)
        inner = held if isinstance(held, Mapping) else {}
        value: Any = _replaced(inner, given, tuple(rest)) or None
    else:
        value = given
    kept = {key: held for key, held in document.items() if key != name}
    return kept if value is None else {**kept, name: value}


def _camel(path: str) -> Path:
    """`spec.tool_approvals` as ("spec", "toolApprovals"); names that people give (labels, headers) stay as they are."""
    parts = path.split(".")
    given_by_people = False
    converted = []
    for part in parts:
        converted.append(part if given_by_people else camel_case(part))
        given_by_people = given_by_people or converted[-1] in {"labels", "headers"}
    return tuple(converted)
