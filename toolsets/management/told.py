"""What a command is told about a connection: its adapter, its headers, and its secrets, which never stand in arguments."""

import getpass
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from toolsets.confidential import is_telling


def adapter_of(url: str, path: str, headers: list[str]) -> tuple[str, dict[str, Any]]:
    if bool(url) == bool(path):
        raise CommandError("Give the URL of an MCP server, or --adapter FILE.")
    mcp: dict[str, Any] = {"url": url}
    kind, adapter = _read_adapter(path) if path else ("mcp", mcp)
    if headers:
        adapter["headers"] = {
            **adapter.get("headers", {}),
            **dict(map(_header, headers)),
        }
    return kind, adapter


def _read_adapter(path: str) -> tuple[str, dict[str, Any]]:
    try:
        ((kind, members),) = json.loads(_read(path)).items()
        return kind, dict(members)
    except (ValueError, TypeError, AttributeError) as exc:
        raise CommandError(
            f'{path} must hold one adapter, such as {{"mcp": {{"url": "https://…"}}}}.'
        ) from exc


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise CommandError(f"--header must look like 'Name: value', not {name!r}.")
    if is_telling(name) and "${" not in value:
        raise CommandError(
            f"The value of {name} would be seen by everybody on this machine. Name a secret instead: "
            f"--header '{name}: ${{TOKEN}}' --secret TOKEN, with the value on standard input."
        )
    return name.strip(), value.strip()


def secrets_of(names: list[str], files: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        yield name, _asked(name)
    for told in files:
        name, _, path = told.partition("=")
        yield name, _read(path).rstrip("\r\n")


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    return sys.stdin.readline().rstrip("\r\n")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise CommandError(
            f"Cannot read {path or 'the file'}: {type(exc).__name__}."
        ) from exc
