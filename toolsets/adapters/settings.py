"""What the settings of an adapter must look like before a tool set may use them."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from toolsets.filters import validate_filter
from toolsets.models import ToolSet

_MEMBERS = ("url", "headers", "includeTools", "excludeTools", "toolApprovals")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,8192}")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}?")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MOST_HEADERS = 50
_OURS = frozenset(
    {
        "accept",
        "connection",
        "content-length",
        "content-type",
        "host",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "transfer-encoding",
    }
)


def check_adapter(adapter_type: str, adapter: Any) -> None:
    """Judge an adapter's settings.

    Raises:
        ValidationError: with one entry per wrong member, named `adapter.<member>`.
    """
    if adapter_type != ToolSet.AdapterType.MCP:
        raise ValidationError(
            {
                "adapter": f"Connecting an upstream of type {adapter_type!r} is not available yet. Use an MCP server."
            }
        )
    if not isinstance(adapter, Mapping):
        raise ValidationError({"adapter": "The adapter must be an object."})
    errors = {
        f"adapter.{member}": "The mcp adapter has no such member."
        for member in adapter
        if member not in _MEMBERS
    }
    if "url" not in adapter:
        errors["adapter.url"] = "Give the address of the MCP server."
    for member in _MEMBERS:
        if member in adapter:
            errors |= _errors(f"adapter.{member}", _CHECKS[member], adapter[member])
    if errors:
        raise ValidationError({name: [text] for name, text in errors.items()})


def _errors(name: str, check: Callable[[Any], None], value: Any) -> dict[str, str]:
    try:
        check(value)
    except ValidationError as exc:
        return {name: " ".join(exc.messages)}
    return {}


def _check_url(url: Any) -> None:
    if not isinstance(url, str) or not url.strip():
        raise ValidationError("Give the address of the MCP server.")
    if len(url) > 2048 or re.search(r"[\x00-\x20\x7f]", url):
        raise ValidationError(
            "The address must be at most 2048 characters, without spaces."
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise ValidationError("This is not an address.") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValidationError("The address must start with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            "The address must not hold a user name or password. Put credentials into a header, as ${SECRET}."
        )
    if parts.fragment or url.endswith("#"):
        raise ValidationError("The address must not have a fragment (#…).")


def _check_headers(headers: Any) -> None:
    if not isinstance(headers, Mapping) or len(headers) > _MOST_HEADERS:
        raise ValidationError(f"Headers are an object of at most {_MOST_HEADERS}.")
    seen = set()
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValidationError(f"{str(name)[:80]!r} is not the name of a header.")
        if name.lower() in _OURS:
            raise ValidationError(
                f"The header {name} is set by Toolcrib itself; leave it out."
            )
        if name.lower() in seen:
            raise ValidationError(f"The header {name} is given twice.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ValidationError(
                f"The value of header {name} must be one line of printable ASCII, at most 8192 characters."
            )
        _check_placeholders(name, value)
        seen.add(name.lower())


def _check_placeholders(header: str, value: str) -> None:
    for found in _PLACEHOLDER.finditer(value):
        if not found[0].endswith("}") or not _SECRET_NAME.fullmatch(found[1]):
            raise ValidationError(
                f"In header {header}, ${{…}} must name a secret: capital letters, digits and underscores."
            )


def _check_approvals(approvals: Any) -> None:
    if not isinstance(approvals, Mapping) or set(approvals) - {"always", "only"}:
        raise ValidationError("Give either always or only.")
    if len(approvals) > 1:
        raise ValidationError("Give always or only, not both.")
    if "always" in approvals and not isinstance(approvals["always"], bool):
        raise ValidationError("always must be true or false.")
    if "only" in approvals:
        validate_filter(approvals["only"])


_CHECKS: dict[str, Callable[[Any], None]] = {
    "url": _check_url,
    "headers": _check_headers,
    "includeTools": validate_filter,
    "excludeTools": validate_filter,
    "toolApprovals": _check_approvals,
}
