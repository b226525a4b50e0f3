"""What the tools of a document are called: after the operation, in letters that every client takes, each only once."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 100


def named(operations: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    """A name for each operation (its path, method and object), in the same order.

    Of several with one name, the one whose operationId it is keeps it; the others get a suffix that only their path and
    method decide, so that it stays when others come and go.
    """
    listed = list(operations)
    wanted = [_wanted(*one) for one in listed]
    keepers: dict[str, int] = {}
    for index in sorted(range(len(listed)), key=lambda i: _rank(listed[i], wanted[i])):
        keepers.setdefault(wanted[index], index)
    return [
        name if keepers[name] == index else f"{name}-{_digest(*listed[index][:2])}"
        for index, name in enumerate(wanted)
    ]


def _wanted(path: str, method: str, operation: Mapping[str, Any]) -> str:
    given = operation.get("operationId")
    text = (
        given
        if isinstance(given, str) and given.strip()
        else f"{method}_{path.strip('/')}"
    )
    name = _OTHER.sub("_", text).strip("_")
    if not name:
        return f"{method}-{_digest(path, method)}"
    if len(name) > _LONGEST:
        return (
            f"{name[:_LONGEST]}-{sha256(text.encode(errors='replace')).hexdigest()[:8]}"
        )
    return name


def _rank(one: tuple[str, str, Mapping[str, Any]], name: str) -> tuple[bool, str, str]:
    path, method, operation = one
    return operation.get("operationId") != name, path, method


def _digest(path: str, method: str) -> str:
    text = f"{method} {path}".encode(errors="replace")
    return sha256(text).hexdigest()[:8]
