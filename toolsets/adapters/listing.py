"""What it takes to list an upstream's tools, and what comes of it, whatever the adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolsets.adapters.definitions import ToolDefinition

MAX_BYTES = 64 * 1024 * 1024
_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Whom to ask, with which headers, over which networks, and how much to put up with.

    `networks` are those beside the public ones that may be connected to, as "10.0.0.0/8"; `proxy` is the way to the public
    ones, "" where they are reached directly.
    """

    adapter_type: str
    adapter: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False)
    networks: tuple[str, ...]
    timeout_seconds: float
    max_tools: int
    max_bytes: int = MAX_BYTES
    proxy: str = field(default="", repr=False)


@dataclass(kw_only=True, slots=True)
class Listing:
    """What an upstream offers, by name, and how it was reached.

    `notes` are sentences for the operator, `wanted_headers` names and values that would open more of it; `document` is the one that the tools were read from, compressed, if any was.
    """

    protocol_version: str = ""
    transport: str = ""
    tools: dict[str, ToolDefinition] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    skipped_count: int = 0
    notes: list[str] = field(default_factory=list)
    wanted_headers: list[tuple[str, str]] = field(default_factory=list)
    document: bytes = b""
    is_complete: bool = False

    def skip(self, name: str, reason: str) -> None:
        """Leave a tool out, and remember it for the event, as far as events can be read."""
        self.skipped_count += 1
        if len(self.skipped) < _MOST_NAMED:
            self.skipped.append(f"{name}: {reason}")

    def add(self, definition: ToolDefinition) -> None:
        if definition.name in self.tools:
            self.skip(definition.name, "it is listed twice")
        else:
            self.tools[definition.name] = definition


OnProgress = Callable[[int], None]
"""Told how many tools have been seen so far."""
