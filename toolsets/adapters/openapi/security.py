"""What an API wants to see before it answers: its security schemes, as headers for an operator to set."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolsets.adapters.definitions import ToolMalformed, shown_name
from toolsets.adapters.openapi.documents import Document

_NOT_IN_A_SECRET = re.compile(r"[^A-Z0-9]+")
_BEARER = "Authorization: Bearer ${TOKEN}"
_MOST = 20


@dataclass(kw_only=True)
class Security:
    """Gathers, over all operations, which headers would open them. `headers_set` are those that the tool set has."""

    document: Document
    headers_set: frozenset[str]
    missing: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def take(self, operation: Mapping[str, Any]) -> None:
        """Note what one operation needs, unless a header that is set may be it, or nothing is an alternative."""
        wanted = operation.get("security", self.document.root.get("security"))
        alternatives = (
            [one for one in wanted if isinstance(one, Mapping)]
            if isinstance(wanted, list)
            else []
        )
        if not alternatives or not all(alternatives):
            return
        hints = [self._hints(one) for one in alternatives]
        if any(self._is_answered(one) for one in hints):
            return
        self.count += 1
        for hint in dict.fromkeys(" with ".join(one) for one in hints):
            if hint in self.missing or len(self.missing) < _MOST:
                self.missing[hint] = self.missing.get(hint, 0) + 1

    def note(self) -> str:
        """What an operator should know about it, "" for nothing."""
        if not self.missing:
            return ""
        number = f"{self.count} operation{'s need' if self.count > 1 else ' needs'}"
        hints = sorted(self.missing, key=lambda hint: -self.missing[hint])[:4]
        return f"{number} credentials that are not set. Give the tool set {', or '.join(hints)}."

    def headers(self) -> list[tuple[str, str]]:
        """The headers that would open operations, each with its value; those that open most come first."""
        hints = sorted(self.missing, key=lambda hint: -self.missing[hint])
        parts = [part for hint in hints for part in hint.split(" with ")]
        said = [p.removeprefix(_HEADER) for p in parts if p.startswith(_HEADER)]
        found = [one.partition(": ") for one in said]
        return list(dict.fromkeys((name, value) for name, _, value in found))

    def _hints(self, requirement: Mapping[str, Any]) -> list[str]:
        schemes = _member(self.document.root.get("components"), "securitySchemes")
        return [self._hint(name, schemes.get(name)) for name in requirement]

    def _hint(self, name: str, scheme: Any) -> str:
        try:
            found = self.document.object_at(scheme, "a security scheme")
        except ToolMalformed:
            return f"what {shown_name(name)!r} stands for (the document does not say)"
        return _described(found)

    def _is_answered(self, hints: Iterable[str]) -> bool:
        headers = [hint.removeprefix(_HEADER).partition(":")[0] for hint in hints]
        return all(header.lower() in self.headers_set for header in headers)


_HEADER = "the header "


def _described(scheme: Mapping[str, Any]) -> str:
    name = shown_name(scheme.get("name"))
    match scheme.get("type"), scheme.get("in"):
        case "http", _:
            return _HEADER + _authorization(str(scheme.get("scheme", "bearer")))
        case "oauth2" | "openIdConnect", _:
            return _HEADER + _BEARER
        case "apiKey", "header":
            return f"{_HEADER}{name}: ${{{_secret_name(name)}}}"
        case "apiKey", "cookie":
            return f"{_HEADER}Cookie: {name}=${{{_secret_name(name)}}}"
        case "apiKey", "query":
            return f"a key in the query parameter {name} (which Toolcrib cannot add)"
        case "mutualTLS", _:
            return "a client certificate (which Toolcrib cannot present)"
        case kind, _:
            return f"what its security scheme of type {shown_name(kind)} wants"


def _authorization(scheme: str) -> str:
    if scheme.lower() == "bearer":
        return _BEARER
    if scheme.lower() == "basic":
        return "Authorization: Basic ${USER_AND_PASSWORD_IN_BASE64}"
    return f"Authorization: {shown_name(scheme)} ${{TOKEN}}"


def _secret_name(name: str) -> str:
    return _NOT_IN_A_SECRET.sub("_", name.upper()).strip("_")[:60] or "KEY"


def _member(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
