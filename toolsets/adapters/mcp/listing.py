"""Lists the tools of an MCP upstream, whatever it is and however it behaves."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types
from mcp import Client

from toolsets.adapters.mcp.connections import ListingConnection, failures_named
from toolsets.adapters.mcp.definitions import (
    ToolDefinition,
    ToolMalformed,
    definition_from,
    name_of,
)
from toolsets.adapters.mcp.failures import (
    ListingFailed,
    ListingInvalid,
    ListingTimedOut,
    TooManyTools,
)

MAX_BYTES = 64 * 1024 * 1024
_MOST_PAGES = 10_000
_TOOLS_PER_SLICE = 100
_PAUSE_SECONDS = 0.001
_GOODBYE_SECONDS = 2.0
_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """Whom to ask, with which headers, and how much to put up with."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_seconds: float
    max_tools: int
    max_bytes: int = MAX_BYTES


@dataclass(kw_only=True, slots=True)
class Listing:
    """What an upstream offers, by name, and how it was reached."""

    protocol_version: str = ""
    transport: str = ""
    tools: dict[str, ToolDefinition] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    skipped_count: int = 0
    is_complete: bool = False

    def skip(self, name: str, reason: str) -> None:
        """Leave a tool out, and remember it for the event, as far as events can be read."""
        self.skipped_count += 1
        if len(self.skipped) < _MOST_NAMED:
            self.skipped.append(f"{name}: {reason}")


OnProgress = Callable[[int], None]
"""Told how many tools have been seen so far, on the thread that lists."""


def list_tools(
    upstream: Upstream, *, on_progress: OnProgress = lambda seen: None
) -> Listing:
    """List every tool of `upstream`. Blocks, on an event loop of its own, for at most `timeout_seconds` and a little.

    Raises:
        ListingFailed: in one of its kinds, each with a `code` of its own.
    """
    return asyncio.run(_list_within_the_time(upstream, on_progress))


async def _list_within_the_time(upstream: Upstream, tell: OnProgress) -> Listing:
    listing = Listing()
    with anyio.move_on_after(upstream.timeout_seconds) as time_left:
        await _list_over_newest_transport(upstream, listing, tell, time_left)
    if not listing.is_complete:
        raise ListingTimedOut(
            f"The upstream did not finish listing its tools within {upstream.timeout_seconds:g} seconds."
        )
    return listing


async def _list_over_newest_transport(
    upstream: Upstream,
    listing: Listing,
    tell: OnProgress,
    time_left: anyio.CancelScope,
) -> None:
    """Streamable HTTP first; HTTP+SSE when the upstream does not know it. The first failure is the one to tell."""
    connection = ListingConnection(
        upstream.url,
        headers=upstream.headers,
        timeout_seconds=upstream.timeout_seconds,
        max_bytes=upstream.max_bytes,
    )
    try:
        with failures_named(connection):
            async with connection.streamable_http() as client:
                await _list_all(client, connection, upstream, listing, tell, time_left)
    except ListingFailed as first:
        if listing.is_complete:
            return
        if not connection.may_speak_only_sse():
            raise
        try:
            with failures_named(connection):
                async with connection.sse() as client:
                    await _list_all(
                        client, connection, upstream, listing, tell, time_left
                    )
        except ListingFailed as second:
            if not listing.is_complete:
                raise (second if connection.is_open else first) from first


async def _list_all(
    client: Client,
    connection: ListingConnection,
    upstream: Upstream,
    listing: Listing,
    tell: OnProgress,
    time_left: anyio.CancelScope,
) -> None:
    listing.protocol_version = client.protocol_version
    listing.transport = connection.transport
    cursor: str | None = None
    cursors: set[str] = set()
    for _ in range(_MOST_PAGES):
        cursor = await _list_page(client, connection, cursor, listing, upstream)
        tell(len(listing.tools))
        if cursor is None:
            listing.is_complete = True
            time_left.deadline = min(
                time_left.deadline, anyio.current_time() + _GOODBYE_SECONDS
            )
            return
        if cursor in cursors:
            raise ListingInvalid(
                "The upstream's pages go in a circle: it gave the same nextCursor twice."
            )
        cursors.add(cursor)
    raise ListingInvalid(f"The upstream sent more than {_MOST_PAGES:,} pages of tools.")


async def _list_page(
    client: Client,
    connection: ListingConnection,
    cursor: str | None,
    listing: Listing,
    upstream: Upstream,
) -> str | None:
    """Add one page to `listing`; the cursor of the next, if there is one."""
    page = await client.session.list_tools(
        params=mcp_types.PaginatedRequestParams(cursor=cursor) if cursor else None
    )
    await _take(connection.raw_tools(), listing, upstream.max_tools)
    return page.next_cursor or None


async def _take(raw_tools: list[Any], listing: Listing, max_tools: int) -> None:
    """Read the tools of a page in slices, so that neither this loop nor another thread waits long."""
    raw_tools.reverse()
    while raw_tools:
        for _ in range(min(_TOOLS_PER_SLICE, len(raw_tools))):
            _take_one(raw_tools.pop(), listing)
        if len(listing.tools) + listing.skipped_count > max_tools:
            raise TooManyTools(
                f"The upstream lists more than {max_tools:,} tools. SYNC_MAX_TOOLS sets the limit."
            )
        time.sleep(_PAUSE_SECONDS)  # noqa: ASYNC251 - this loop has nothing else to do; other threads do
        await anyio.lowlevel.checkpoint()


def _take_one(raw: Any, listing: Listing) -> None:
    try:
        definition = definition_from(raw)
    except ToolMalformed as exc:
        listing.skip(name_of(raw), exc.message)
        return
    if definition.name in listing.tools:
        listing.skip(definition.name, "it is listed twice")
    else:
        listing.tools[definition.name] = definition
