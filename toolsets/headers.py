"""The headers that a tool set sends: its adapter's, with each `${NAME}` replaced by a secret."""

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import Q

from gateway.errors import Refused
from toolsets.models import Secret, ToolSet

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,8192}")
_NOT_OURS_TO_SEND = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class MissingSecret(Refused):
    """A header names a secret that neither the tool set nor the workspace has."""

    code: ClassVar[str] = "missing_secret"


class HeaderRefused(Refused):
    """A header may not be sent."""

    code: ClassVar[str] = "header_refused"


def resolve(headers: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The headers as they are sent.

    Raises:
        MissingSecret: a `${NAME}` is not among `secrets`.
        HeaderRefused: a name or a value may not be sent. The message never holds a value.
    """
    return {name: _resolved(name, value, secrets) for name, value in headers.items()}


def _resolved(name: str, value: str, secrets: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name) or _is_reserved(name):
        raise HeaderRefused(
            f"The header {name[:80]!r} may not be set: it is not a header's name, or the connection sets it itself."
        )
    sent = _PLACEHOLDER.sub(lambda found: _secret(found[1], name, secrets), value)
    if not _VALUE.fullmatch(sent):
        raise HeaderRefused(
            f"The value of the header {name} is not one line of printable ASCII of at most 8192 characters. "
            "Look at the secret it names: it may end in a line break."
        )
    return sent.strip()


def _is_reserved(name: str) -> bool:
    return name.lower() in _NOT_OURS_TO_SEND or name.lower().startswith("mcp-param-")


def _secret(wanted: str, header: str, secrets: Mapping[str, str]) -> str:
    if wanted not in secrets:
        raise MissingSecret(
            f"The header {header} needs the secret {wanted[:80]}, which neither the tool set nor its workspace has. "
            "Add the secret, then sync again."
        )
    return secrets[wanted]


def names_in(headers: Mapping[str, str]) -> set[str]:
    """The names of the secrets that `headers` use."""
    return {name for value in headers.values() for name in _PLACEHOLDER.findall(value)}


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
