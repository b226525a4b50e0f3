"""What the settings of an adapter must look like before a tool set may use them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from toolsets.filters import validate_filter
from toolsets.header_rules import check_headers
from toolsets.models import ToolSet

Check = Callable[[Any], None]
_ODD_HOST = re.compile(r"[\\%\"<>^`{|}]")
_NO_ADDRESS = "Give the address of the upstream."


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """The members of one kind of adapter, each with its check, and those that must be given."""

    members: Mapping[str, Check]
    required: Mapping[str, str]
    """The member, and what to say where it is missing."""
    one_of: tuple[str, ...] = ()
    """Exactly one of these must be given."""


def check_adapter(adapter_type: str, adapter: Any) -> None:
    """Judge an adapter's settings.

    Raises:
        ValidationError: with one entry per wrong member, named `adapter.<member>`.
    """
    rules = _RULES.get(adapter_type)
    if rules is None:
        raise ValidationError(
            {"adapter": f"There is no adapter of the type {adapter_type!r}."}
        )
    if not isinstance(adapter, Mapping):
        raise ValidationError({"adapter": "The adapter must be an object."})
    errors = {
        f"adapter.{member}": f"The {adapter_type} adapter has no such member."
        for member in adapter
        if member not in rules.members
    }
    for member, said in rules.required.items():
        if member not in adapter:
            errors[f"adapter.{member}"] = said
    given = [member for member in rules.one_of if member in adapter]
    if rules.one_of and len(given) != 1:
        said = f"Give either {' or '.join(rules.one_of)}."
        errors[f"adapter.{(given or rules.one_of)[-1]}"] = said
    for member, check in rules.members.items():
        if member in adapter:
            errors |= _errors(f"adapter.{member}", check, adapter[member])
    if errors:
        raise ValidationError({name: [text] for name, text in errors.items()})


def _errors(name: str, check: Check, value: Any) -> dict[str, str]:
    try:
        check(value)
    except ValidationError as exc:
        return {name: " ".join(exc.messages)}
    return {}


def _check_url(url: Any) -> None:
    if not isinstance(url, str) or not url.strip():
        raise ValidationError(_NO_ADDRESS)
    if len(url) > 2048 or re.search(r"[\x00-\x20\x7f]", url):
        raise ValidationError(
            "The address must be at most 2048 characters, without spaces."
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise ValidationError("This is not an address.") from exc
    if _ODD_HOST.search(parts.netloc):
        raise ValidationError("This is not an address.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValidationError("The address must start with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            "The address must not hold a user name or password. Put credentials into a header, as ${SECRET}."
        )
    if parts.fragment or url.endswith("#"):
        raise ValidationError("The address must not have a fragment (#…).")


def _check_base_url(url: Any) -> None:
    _check_url(url)
    if "?" in url:
        raise ValidationError(
            "The address must not have a query (?…): each tool has its own."
        )
    if re.search(r"/(\.|%2e){1,2}(/|$)", urlsplit(url).path, re.IGNORECASE):
        raise ValidationError("The address must not hold the segments . and ...")


def _check_mcp_headers(headers: Any) -> None:
    check_headers(headers)
    if any(name.lower() == "accept" for name in headers):
        raise ValidationError(
            "The header Accept is set by Toolcrib itself; leave it out."
        )


def _check_document(reference: Any) -> None:
    if not isinstance(reference, str) or not reference.startswith("sha256:"):
        raise ValidationError("Give the OpenAPI document, as text or as an object.")


def _check_server_name(name: Any) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        raise ValidationError("Give the name of one of the document's servers.")


def _check_approvals(approvals: Any) -> None:
    if not isinstance(approvals, Mapping) or set(approvals) - {"always", "only"}:
        raise ValidationError("Give either always or only.")
    if len(approvals) > 1:
        raise ValidationError("Give always or only, not both.")
    if "always" in approvals and not isinstance(approvals["always"], bool):
        raise ValidationError("always must be true or false.")
    if "only" in approvals:
        validate_filter(approvals["only"])


_RULES: dict[str, _Rules] = {
    ToolSet.AdapterType.MCP: _Rules(
        members={
            "url": _check_url,
            "headers": _check_mcp_headers,
            "includeTools": validate_filter,
            "excludeTools": validate_filter,
            "toolApprovals": _check_approvals,
        },
        required={"url": _NO_ADDRESS},
    ),
    ToolSet.AdapterType.HTTP: _Rules(
        members={"baseUrl": _check_base_url, "headers": check_headers},
        required={"baseUrl": _NO_ADDRESS},
    ),
    ToolSet.AdapterType.OPENAPI: _Rules(
        members={
            "url": _check_url,
            "document": _check_document,
            "baseUrl": _check_base_url,
            "serverName": _check_server_name,
            "headers": check_headers,
            "includeTools": validate_filter,
            "excludeTools": validate_filter,
            "toolApprovals": _check_approvals,
        },
        required={},
        one_of=("url", "document"),
    ),
}
