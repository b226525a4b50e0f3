"""The names by which a pack's tools go on the wire: allowed everywhere, and unique in the pack by construction."""

import hashlib
import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple

_LONGEST = 64
_SEPARATOR = "__"
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")


class Entry(NamedTuple):
    """One tool of a pack: its connector's prefix, its upstream's name for it, and the ids that tell it apart."""

    prefix: str
    name: str
    tool_set_id: str
    tool_id: str


def wire_name(prefix: str, name: str) -> str:
    """`<prefix>__<name>` in the allowed characters; without a prefix, the name alone. It may be too long."""
    return _FORBIDDEN.sub("_", _plain(prefix, name))


def wire_names(entries: Iterable[Entry]) -> dict[str, str]:
    """The wire name of each tool, by tool id.

    A name that is short and needs no change goes first and stays as it is; one that is long, or that another already
    has, ends in a hash that depends on nothing but the tool itself.
    """
    ordered = sorted(entries, key=lambda entry: not _is_faithful(entry))
    names: dict[str, str] = {}
    taken: set[str] = set()
    for entry in ordered:
        name = wire_name(entry.prefix, entry.name)
        if len(name) > _LONGEST or name in taken:
            name = _free(name, entry, taken)
        taken.add(name)
        names[entry.tool_id] = name
    return names


def _plain(prefix: str, name: str) -> str:
    return f"{prefix}{_SEPARATOR}{name}" if prefix else name


def _is_faithful(entry: Entry) -> bool:
    plain = _plain(entry.prefix, entry.name)
    return len(plain) <= _LONGEST and not _FORBIDDEN.search(plain)


def _free(name: str, entry: Entry, taken: set[str]) -> str:
    """The name with its hash; with another one where somebody took that on purpose."""
    return next(
        hashed
        for attempt in itertools.count()
        if (hashed := _hashed(name, entry, attempt)) not in taken
    )


def _hashed(name: str, entry: Entry, attempt: int) -> str:
    told = f"{entry.tool_set_id}\0{entry.name}" + "\0" * attempt
    digest = hashlib.sha256(told.encode()).hexdigest()[:10]
    return f"{name[: _LONGEST - len(digest) - 1]}_{digest}"
