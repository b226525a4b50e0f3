"""Fixtures of the outbound guard's tests."""

from tests.network.names import connected, names

__all__ = ["connected", "names"]
