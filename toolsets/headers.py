"""The headers that a tool set sends, with each `${NAME}` replaced by a secret, and the secrets of its tools' headers."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from toolsets.confidential import MASK, secrets_in
from toolsets.header_rules import PLACEHOLDER, names_in, resolve
from toolsets.models import Secret, Tool, ToolSet

_SHORTEST_MASKED = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedHeaders:
    """The headers of a tool set as they are sent, and the secrets that these and the headers of its tools name."""

    sent: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: frozenset[str] = frozenset()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ids: Mapping[str, str] = field(default_factory=dict)
    typed: tuple[str, ...] = field(default=(), repr=False)
    """The credentials that stand in the headers themselves, see `confidential.secrets_in`."""

    def used_with(self, config: str = "") -> set[str]:
        """The ids of the secrets that are sent when a tool with this configuration is called."""
        names = self.names.union(PLACEHOLDER.findall(config))
        return {self.ids[name] for name in names if name in self.ids}

    def masked(self, text: str) -> str:
        """The text without the secrets, in case the upstream said them back to us."""
        known = {*self.secrets.values(), *self.typed}
        for value in sorted(known, key=len, reverse=True):
            if len(value) >= _SHORTEST_MASKED:
                text = text.replace(value, MASK)
        return text


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedSecret:
    """A secret that headers of a tool set name; None while neither the set nor its workspace has it."""

    name: str
    secret: Secret | None


def opened_headers(tool_set: ToolSet) -> OpenedHeaders:
    """The headers of a tool set as they are sent, with its secrets and, where it has none, its workspace's.

    A secret that only a tool's headers name may be missing: that stops the calls of this tool.

    Raises:
        MissingSecret, HeaderRefused: as `resolve`.
    """
    headers = _headers(tool_set)
    chosen = _chosen(tool_set, _names(tool_set), with_values=True)
    secrets = {secret.name: secret.held.value for secret in chosen}
    return OpenedHeaders(
        sent=resolve(headers, secrets),
        names=frozenset(names_in(headers)),
        secrets=secrets,
        ids={secret.name: secret.pk for secret in chosen},
        typed=tuple(secrets_in(tool_set.adapter)),
    )


def named_secrets(tool_set: ToolSet) -> list[NamedSecret]:
    """The secrets that headers of the tool set and its tools name, by name, with their `use` loaded."""
    names = _names(tool_set)
    found = {one.name: one for one in _chosen(tool_set, names, with_values=True)}
    return [NamedSecret(name=n, secret=found.get(n)) for n in sorted(names)]


def held_secrets(tool_set: ToolSet, names: Iterable[str]) -> dict[str, Secret]:
    """Those of the named secrets that the tool set or, where it has none, its workspace has, with their values loaded."""
    chosen = _chosen(tool_set, names, with_values=True)
    return {secret.name: secret for secret in chosen}


def secret_values(tool_set: ToolSet, names: Iterable[str]) -> dict[str, str]:
    """The values of those secrets, by name."""
    held = held_secrets(tool_set, names)
    return {name: secret.held.value for name, secret in held.items()}


def credential_generation(tool_set: ToolSet) -> int:
    """A number that changes when any secret that headers of the set or its tools use gets another value, or is another."""
    chosen = _chosen(tool_set, _names(tool_set), with_values=False)
    text = "\n".join(sorted(f"{s.name}:{s.pk}:{s.version}" for s in chosen))
    return zlib.crc32(text.encode())


def _headers(tool_set: ToolSet) -> dict[str, str]:
    headers: dict[str, str] | None = tool_set.adapter.get("headers")
    return headers or {}


def _names(tool_set: ToolSet) -> set[str]:
    return names_in(_headers(tool_set)) | _named_by_tools(tool_set)


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
        of_either = of_either.filter(held__isnull=False).select_related("held", "use")
    by_name: dict[str, Secret] = {}
    for secret in of_either:
        if secret.tool_set_id or secret.name not in by_name:
            by_name[secret.name] = secret
    return list(by_name.values())
