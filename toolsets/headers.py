"""The headers that a tool set sends, with each `${NAME}` replaced by a secret, and the secrets of its tools' headers."""

import zlib
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from toolsets.header_rules import names_in, resolve
from toolsets.models import Secret, Tool, ToolSet


def resolved_headers(tool_set: ToolSet) -> dict[str, str]:
    """The headers of a tool set as they are sent, with its secrets and, where it has none, its workspace's.

    Raises:
        MissingSecret, HeaderRefused: as `resolve`.
    """
    headers = _headers(tool_set)
    return resolve(headers, secret_values(tool_set, names_in(headers)))


def tool_secrets(tool_set: ToolSet) -> dict[str, str]:
    """The secrets that headers of the set's hand-written tools name; a missing one stops only the tools that name it."""
    return secret_values(tool_set, _named_by_tools(tool_set))


def secret_values(tool_set: ToolSet, names: Iterable[str]) -> dict[str, str]:
    """Those of the named secrets that the tool set or, where it has none, its workspace has."""
    chosen = _chosen(tool_set, names, with_values=True)
    return {secret.name: secret.held.value for secret in chosen}


def credential_generation(tool_set: ToolSet) -> int:
    """A number that changes when any secret that headers of the set or its tools use gets another value, or is another."""
    names = names_in(_headers(tool_set)) | _named_by_tools(tool_set)
    chosen = _chosen(tool_set, names, with_values=False)
    text = "\n".join(sorted(f"{s.name}:{s.pk}:{s.version}" for s in chosen))
    return zlib.crc32(text.encode())


def _headers(tool_set: ToolSet) -> dict[str, str]:
    headers: dict[str, str] | None = tool_set.adapter.get("headers")
    return headers or {}


def _named_by_tools(tool_set: ToolSet) -> set[str]:
    if tool_set.is_syncable:
        return set()
    tools = Tool.objects.in_workspace(tool_set.workspace_id).filter(tool_set=tool_set)
    own = tools.exclude(config__headers=None).values_list("config__headers", flat=True)
    return {name for headers in own for name in names_in(headers)}


def _chosen(
    tool_set: ToolSet, names: Iterable[str], *, with_values: bool
) -> list[Secret]:
    wanted = sorted(names)
    if not wanted:
        return []
    of_either: Any = Secret.objects.in_workspace(tool_set.workspace_id).filter(
        Q(tool_set=tool_set) | Q(tool_set__isnull=True), name__in=wanted
    )
    if with_values:
        of_either = of_either.filter(held__isnull=False).select_related("held")
    by_name: dict[str, Secret] = {}
    for secret in of_either:
        if secret.tool_set_id or secret.name not in by_name:
            by_name[secret.name] = secret
    return list(by_name.values())
