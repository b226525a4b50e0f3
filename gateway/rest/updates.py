"""Turns a create or an update body into the fields of a domain call, by a table of which path is which field."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.masks import (
    Document,
    Path,
    mask_of,
    merged,
    present_paths,
    touches,
    without_mask,
)
from gateway.rest.queries import Query

CONTAINERS = ("metadata", "spec")


def new_document(body: Mapping[str, Any]) -> Document:
    """A create body without its nulls, which count as not given."""
    empty: Document = {n: {} for n in CONTAINERS if isinstance(body.get(n), Mapping)}
    return merged(empty, body, present_paths(body, containers=CONTAINERS))


def updated_document(
    current: Mapping[str, Any],
    body: Mapping[str, Any],
    query: Query,
    *,
    changeable: Iterable[Path],
    open_ended: Iterable[Path] = (),
) -> tuple[Document, list[Path]]:
    """`current` as the body and its mask change it, and the paths that they touch.

    A mask may name a changeable path, one above it, or one below an open-ended one.
    """
    paths = mask_of(body, query)
    update = without_mask(body)
    if paths is None:
        paths = present_paths(update, containers=CONTAINERS)
    else:
        _check_changeable(paths, list(changeable), list(open_ended))
    return merged(current, update, paths), paths


def touched(
    fields: Mapping[str, Any], paths: Iterable[Path], path_of: Mapping[str, Path]
) -> dict[str, Any]:
    """Those of `fields` that stand at a touched path."""
    listed = list(paths)
    return {
        name: value for name, value in fields.items() if touches(path_of[name], listed)
    }


@contextmanager
def errors_at(path_of: Mapping[str, Path]) -> Iterator[None]:
    """Name the fields of a domain call's errors by where they stand in the body."""
    try:
        yield
    except ValidationError as exc:
        if not hasattr(exc, "error_dict"):
            raise
        raise ValidationError(
            {_placed(name, path_of): errors for name, errors in exc.error_dict.items()}
        ) from exc


def _placed(field: str, path_of: Mapping[str, Path]) -> str:
    name, _, member = field.partition(".")
    if name not in path_of:
        return field
    return ".".join([*path_of[name], *([member] if member else [])])


def _check_changeable(
    paths: list[Path], changeable: list[Path], open_ended: list[Path]
) -> None:
    for path in paths:
        is_known = any(known[: len(path)] == path for known in changeable) or any(
            path[: len(known)] == known for known in open_ended
        )
        if not is_known:
            raise ValidationError(
                {"updateMask": f"{'.'.join(path)} is not a field that can be changed."}
            )
