"""The headers that a tool set sends: its adapter's, with each `${NAME}` replaced by a secret."""

import zlib
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from toolsets.header_rules import names_in, resolve
from toolsets.models import Secret, ToolSet


def resolved_headers(tool_set: ToolSet) -> dict[str, str]:
    """The headers of a tool set as they are sent, with its secrets and, where it has none, its workspace's.

    Raises:
        MissingSecret, HeaderRefused: as `resolve`.
    """
    headers = _headers(tool_set)
    chosen = _chosen(tool_set, names_in(headers), with_values=True)
    return resolve(headers, {secret.name: secret.held.value for secret in chosen})


def credential_generation(tool_set: ToolSet) -> int:
    """A number that changes when any secret that the tool set's headers use gets another value, or is another one."""
    chosen = _chosen(tool_set, names_in(_headers(tool_set)), with_values=False)
    text = "\n".join(sorted(f"{s.name}:{s.pk}:{s.version}" for s in chosen))
    return zlib.crc32(text.encode())


def _headers(tool_set: ToolSet) -> dict[str, str]:
    headers: dict[str, str] | None = tool_set.adapter.get("headers")
    return headers or {}


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
