"""Lists the tools of an MCP upstream, whatever it is and however it behaves."""

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types
from mcp import Client

from toolsets.adapters.definitions import ToolMalformed, shown_name
from toolsets.adapters.failures import (
    ListingFailed,
    ListingInvalid,
    ListingTimedOut,
    TooManyTools,
)
from toolsets.adapters.listing import Listing, OnProgress, Source
from toolsets.adapters.mcp.connections import ListingConnection, failures_named
from toolsets.adapters.mcp.definitions import definition_from

_MOST_PAGES = 10_000
_TOOLS_PER_SLICE = 100
_GOODBYE_SECONDS = 2.0


def list_tools(source: Source, on_progress: OnProgress) -> Listing:
    """List every tool of `source`. Blocks, on an event loop of its own, for at most `timeout_seconds` and a little.

    Raises:
        ListingFailed: in one of its kinds, each with a `code` of its own.
    """
    return asyncio.run(_list_within_the_time(source, on_progress))


async def _list_within_the_time(source: Source, tell: OnProgress) -> Listing:
    listing = Listing()
    with anyio.move_on_after(source.timeout_seconds) as time_left:
        await _list_over_newest_transport(source, listing, tell, time_left)
    if not listing.is_complete:
        raise ListingTimedOut(
            f"The upstream did not finish listing its tools within {source.timeout_seconds:g} seconds."
        )
    return listing


async def _list_over_newest_transport(
    source: Source,
    listing: Listing,
    tell: OnProgress,
    time_left: anyio.CancelScope,
) -> None:
    """Streamable HTTP first; HTTP+SSE when the upstream does not know it. The first failure is the one to tell."""
    connection = ListingConnection(
        source.adapter["url"],
        headers=source.headers,
        timeout_seconds=source.timeout_seconds,
        max_bytes=source.max_bytes,
        networks=source.networks,
    )
    try:
        with failures_named(connection):
            async with connection.streamable_http() as client:
                await _list_all(client, connection, source, listing, tell, time_left)
    except ListingFailed as first:
        if listing.is_complete:
            return
        if not connection.may_speak_only_sse():
            raise
        try:
            with failures_named(connection):
                async with connection.sse() as client:
                    await _list_all(
                        client, connection, source, listing, tell, time_left
                    )
        except ListingFailed as second:
            if not listing.is_complete:
                raise (second if connection.is_open else first) from first


async def _list_all(
    client: Client,
    connection: ListingConnection,
    source: Source,
    listing: Listing,
    tell: OnProgress,
    time_left: anyio.CancelScope,
) -> None:
    listing.protocol_version = client.protocol_version
    listing.transport = connection.transport
    cursor: str | None = None
    cursors: set[str] = set()
    for _ in range(_MOST_PAGES):
        cursor = await _list_page(client, connection, cursor, listing, source, tell)
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
    source: Source,
    tell: OnProgress,
) -> str | None:
    """Add one page to `listing`; the cursor of the next, if there is one."""
    page = await client.session.list_tools(
        params=mcp_types.PaginatedRequestParams(cursor=cursor) if cursor else None
    )
    await _take(connection.raw_tools(), listing, source, tell)
    return page.next_cursor or None


async def _take(
    raw_tools: list[Any], listing: Listing, source: Source, tell: OnProgress
) -> None:
    """Read the tools of a page in slices, and tell how far we are after each."""
    raw_tools.reverse()
    while raw_tools:
        for _ in range(min(_TOOLS_PER_SLICE, len(raw_tools))):
            _take_one(raw_tools.pop(), listing)
        if len(listing.tools) + listing.skipped_count > source.max_tools:
            raise TooManyTools(
                f"The upstream lists more than {source.max_tools:,} tools. SYNC_MAX_TOOLS sets the limit."
            )
        tell(len(listing.tools))
        await anyio.lowlevel.checkpoint()


def _take_one(raw: Any, listing: Listing) -> None:
    try:
        listing.add(definition_from(raw))
    except ToolMalformed as exc:
        name = raw.get("name") if isinstance(raw, dict) else None
        listing.skip(shown_name(name), exc.message)
