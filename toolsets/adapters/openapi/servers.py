"""Where the operations of a document are: its servers, with their variables, as absolute addresses."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from toolsets.adapters.definitions import ToolMalformed

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\U0010ffff\"<>\\^`{|}]")
_NAMES = ("name", "x-name", "description", "url")
_PORTS = {"http": 80, "https": 443}


def chosen(servers: Any, name: str) -> Mapping[str, Any]:
    """The server of that `name`, `x-name`, `description`, address or place in the list (0 is the first); the first for "".

    Raises:
        ToolMalformed: there is none; the message names those that there are.
    """
    listed = (
        [one for one in servers if isinstance(one, Mapping)]
        if isinstance(servers, list)
        else []
    )
    listed = listed or [{"url": "/"}]
    if not name:
        return listed[0]
    for member in _NAMES:
        for server in listed:
            if server.get(member) == name:
                return server
    if name.isdecimal() and int(name) < len(listed):
        return listed[int(name)]
    raise ToolMalformed(
        f"there is no server called {name[:80]!r}; there are {_names_of(listed)}"
    )


def _names_of(listed: list[Mapping[str, Any]]) -> str:
    names = [
        str(next((one[member] for member in _NAMES if one.get(member)), "/"))[:80]
        for one in listed[:10]
    ]
    return ", ".join(map(repr, names))


def address_of(server: Mapping[str, Any], *, relative_to: str) -> str:
    """The server's absolute address, without a slash at its end; variables have their defaults.

    Raises:
        ToolMalformed: it has none.
    """
    url = server.get("url")
    if not isinstance(url, str):
        raise ToolMalformed("its server has no address")
    variables = server.get("variables")
    filled = _VARIABLE.sub(
        lambda found: _default(
            found[1], variables if isinstance(variables, Mapping) else {}
        ),
        url,
    )
    return _checked(urljoin(relative_to, filled) if relative_to else filled)


def _default(name: str, variables: Mapping[str, Any]) -> str:
    described = variables.get(name)
    default = described.get("default") if isinstance(described, Mapping) else None
    if default is None:
        raise ToolMalformed(f"its server needs a value for {{{name[:80]}}}")
    return str(default)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        raise ToolMalformed(f"its server {url[:120]!r} is not an address") from exc
    is_plain = parts.scheme in _PORTS and parts.hostname and "@" not in parts.netloc
    if not is_plain or parts.query or parts.fragment or _NOT_IN_A_URL.search(url):
        raise ToolMalformed(
            f"its server {url[:120]!r} is not an absolute address (http:// or https://)"
        )
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: credentials meant for one origin are not sent to another."""
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or _PORTS.get(parts.scheme),
    )
