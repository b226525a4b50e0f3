"""Which headers may go to an upstream, and how a `${NAME}` in one becomes a secret."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError

from gateway.errors import Refused

PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_OPENED = re.compile(r"\$\{([^}]*)\}?")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,8192}")
_MOST_HEADERS = 50
_RESERVED = frozenset(
    {
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


def check_headers(headers: Any) -> None:
    """Judge headers before they are kept.

    Raises:
        ValidationError: one of them could never be sent.
    """
    check_header_names(headers)
    for name, value in headers.items():
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise ValidationError(
                f"The value of header {name} must be one line of printable ASCII, at most 8192 characters."
            )
        check_placeholders(name, value)


def check_header_names(headers: Any) -> None:
    """Judge the names of headers, whatever their values are. Raises as `check_headers`."""
    if not isinstance(headers, Mapping) or len(headers) > _MOST_HEADERS:
        raise ValidationError(f"Headers are an object of at most {_MOST_HEADERS}.")
    seen = set()
    for name in headers:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValidationError(f"{str(name)[:80]!r} is not the name of a header.")
        if is_reserved(name):
            raise ValidationError(
                f"The header {name} is set by Toolcrib itself; leave it out."
            )
        if name.lower() in seen:
            raise ValidationError(f"The header {name} is given twice.")
        seen.add(name.lower())


def check_placeholders(header: str, value: str) -> None:
    """Judge each `${…}` in a header's value. Raises as `check_headers`."""
    for found in _OPENED.finditer(value):
        if not found[0].endswith("}") or not _SECRET_NAME.fullmatch(found[1]):
            raise ValidationError(
                f"In header {header}, ${{…}} must name a secret: capital letters, digits and underscores."
            )


def is_reserved(name: str) -> bool:
    """Whether the connection, or the protocol, sets this header itself."""
    return name.lower() in _RESERVED or name.lower().startswith("mcp-param-")


def names_in(headers: Mapping[str, str]) -> set[str]:
    """The names of the secrets that `headers` use."""
    return {name for value in headers.values() for name in PLACEHOLDER.findall(value)}


def resolve(headers: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The headers as they are sent.

    Raises:
        MissingSecret: a `${NAME}` is not among `secrets`.
        HeaderRefused: a name or a value may not be sent. The message never holds a value.
    """
    return {name: _resolved(name, value, secrets) for name, value in headers.items()}


def _resolved(name: str, value: str, secrets: Mapping[str, str]) -> str:
    sent = PLACEHOLDER.sub(lambda found: secret_for(name, found[1], secrets), value)
    return checked_header(name, sent)


def secret_for(header: str, wanted: str, secrets: Mapping[str, str]) -> str:
    """The value of a secret that a header needs. Raises as `resolve`."""
    if wanted not in secrets:
        raise MissingSecret(
            f"The header {header} needs the secret {wanted[:80]}, which neither the tool set nor its workspace has. "
            "Add the secret, then try again."
        )
    return secrets[wanted]


def checked_header(name: str, value: str) -> str:
    """The value as it is sent, without space around it. Raises as `resolve`."""
    if not _NAME.fullmatch(name) or is_reserved(name):
        raise HeaderRefused(
            f"The header {name[:80]!r} may not be set: it is not a header's name, or the connection sets it itself."
        )
    if not _VALUE.fullmatch(value):
        raise HeaderRefused(
            f"The value of the header {name} is not one line of printable ASCII of at most 8192 characters. "
            "Look at the secret it names: it may end in a line break."
        )
    return value.strip()
