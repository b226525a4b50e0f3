"""Where names lead, and where sockets go: the one seam at which these tests change the world."""

import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

_resolve = socket.getaddrinfo
_connect = socket.socket.connect


class Names:
    """What each name resolves to: its answers in turn, the last one for ever. Other names have no address."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Sequence[str]]] = {}
        self.asked: Counter[str] = Counter()

    def lead(self, name: str, *answers: Sequence[str]) -> None:
        self._answers[name] = list(answers)

    def resolve(self, host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.rstrip(".").lower() not in self._answers:
            return _literal(name, port, *args, **options)
        self.asked[name] += 1
        answers = self._answers[name.rstrip(".").lower()]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            found
            for address in addresses
            for found in _resolve(address, port, type=socket.SOCK_STREAM)
        ]


def _literal(name: str, port: Any, *args: Any, **options: Any) -> list[Any]:
    """What the machine's own resolver makes of a number, without asking anybody."""
    options["flags"] = options.get("flags", 0) | socket.AI_NUMERICHOST
    return _resolve(name, port, *args[:3], **options)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The resolver of the machine."""
    resolver = Names()
    monkeypatch.setattr(socket, "getaddrinfo", resolver.resolve)
    return resolver


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that any socket of this process was connected to."""
    addresses: list[str] = []

    def connect(made: socket.socket, address: Any) -> None:
        if made.family in (socket.AF_INET, socket.AF_INET6):
            addresses.append(address[0])
        _connect(made, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses
