"""The process that lists tools: `lister.py` starts it, and is the other end of its standard input.

It has no database, no settings and no environment. One request in, its frames out, until nobody asks any more.
"""

import contextlib
import gc
import itertools
import logging
import os
import select
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from threading import Thread
from time import monotonic
from traceback import extract_tb
from typing import Any

import orjson

from gateway import network
from gateway.errors import GatewayError
from toolsets.adapters.definitions import ToolDefinition
from toolsets.adapters.lister import IDLE_SECONDS
from toolsets.adapters.listing import Listing, OnProgress, Source
from toolsets.adapters.mcp import listing as mcp
from toolsets.adapters.openapi import listing as openapi

_STDIN = 0
_TOOLS_PER_FRAME = 100
_TELL_SECONDS = 0.2

_LIST: Mapping[str, Callable[[Source, OnProgress], Listing]] = {
    "mcp": mcp.list_tools,
    "openapi": openapi.list_tools,
}


def serve(pipe: Connection) -> None:
    """Answer requests until none comes for a while."""
    while pipe.poll(IDLE_SECONDS):
        source = Source(**_tupled(orjson.loads(pipe.recv_bytes())))
        network.use_proxy(source.proxy)
        for frame in _answer(source, pipe):
            pipe.send_bytes(orjson.dumps(frame))
        gc.collect()


def _tupled(members: dict[str, Any]) -> dict[str, Any]:
    return members | {"networks": tuple(members["networks"])}


def _answer(source: Source, pipe: Connection) -> Iterator[dict[str, Any]]:
    try:
        listing = _LIST[source.adapter_type](source, _teller(pipe))
    except GatewayError as exc:
        yield {"code": exc.code, "message": exc.message}
    except Exception as exc:  # noqa: BLE001 - the outermost shell: what broke is told to the process that asked, which logs it
        frame = extract_tb(exc.__traceback__)[-1]
        yield {"broke": f"{type(exc).__name__} in {frame.name}"}
    else:
        yield from _frames(listing)


def _teller(pipe: Connection) -> OnProgress:
    told_at = monotonic()

    def tell(seen: int) -> None:
        nonlocal told_at
        if monotonic() - told_at >= _TELL_SECONDS:
            told_at = monotonic()
            pipe.send_bytes(orjson.dumps({"seen": seen}))

    return tell


def _frames(listing: Listing) -> Iterator[dict[str, Any]]:
    tools = iter(listing.tools.values())
    while some := list(itertools.islice(tools, _TOOLS_PER_FRAME)):
        yield {"tools": [_as_row(definition) for definition in some]}
    yield {
        "protocol_version": listing.protocol_version,
        "transport": listing.transport,
        "skipped": listing.skipped,
        "skipped_count": listing.skipped_count,
        "notes": listing.notes,
        "wanted_headers": listing.wanted_headers,
        "document": b64encode(listing.document).decode(),
        "is_complete": True,
    }


def _as_row(definition: ToolDefinition) -> tuple[str, str, str, bool, str]:
    return (
        definition.name,
        definition.title,
        definition.description,
        definition.needs_tasks,
        definition.packed.decode(),
    )


def _end_with_whoever_asks() -> None:
    """End at once when the other end of the pipe is gone, even in the middle of a listing that goes on for minutes."""
    hung_up = select.poll()
    hung_up.register(_STDIN, 0)  # what is always reported: the other end is closed
    hung_up.poll()
    os._exit(os.EX_OK)


if __name__ == "__main__":
    Thread(target=_end_with_whoever_asks, daemon=True).start()
    logging.disable(logging.CRITICAL)  # what strangers sent is told to nobody
    with contextlib.suppress(EOFError, OSError):  # nobody asks any more
        serve(Connection(_STDIN))
