"""Lists tools in a process of its own, whose only work that is.

What strangers send is parsed there, so it cannot hold up the calls of the process that asks, nor reach its database, its
keys or its environment. A lister serves one request after another, and ends when it has nothing to do or nobody to ask.
"""

import atexit
import contextlib
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from threading import Lock
from time import monotonic
from typing import Any, ClassVar

import orjson

from gateway.errors import GatewayError
from toolsets.adapters.definitions import ToolDefinition
from toolsets.adapters.failures import ListingFailed, listing_failed
from toolsets.adapters.listing import Listing, OnProgress, Source

IDLE_SECONDS = 60.0
_REUSED_WITHIN_SECONDS = 45.0
"""Well before it ends for want of work: while it is ending, which takes a while, it still looks as if it waited."""

_HOME = Path(__file__).resolve().parents[2]
_TICK_SECONDS = 1.0
_GRACE_SECONDS = 15.0
_MOST_IDLE = 2


class ListerBroke(Exception):
    """The lister failed in a way that is not its upstream's."""


class ListerEnded(GatewayError):
    """The lister ended, or went silent, in the middle of a listing."""

    code: ClassVar[str] = "lister_ended"

    def __init__(self) -> None:
        super().__init__(
            "The process that lists tools was ended before it was done: the machine may be short of memory. "
            "The tools that were synced before stay as they are."
        )


def list_tools(source: Source, *, on_progress: OnProgress) -> Listing:
    """List every tool of `source`, which takes at most its `timeout_seconds` and a little.

    `on_progress` is told at least once a second; what it raises ends the listing.

    Raises:
        ListingFailed: in one of its kinds, each with a `code` of its own.
        ListerEnded: the process that lists was killed.
        ListerBroke: Toolcrib itself failed.
    """
    with _lister() as lister:
        return lister.list_tools(source, on_progress)


class _Lister:
    """The process, and the pipe to it."""

    def __init__(self) -> None:
        ours, theirs = socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "toolsets.adapters.listing_process"],
                stdin=theirs.fileno(),
                cwd=_HOME,
                env={},
            )
        self._pipe = Connection(ours.detach())
        self.rests_since = monotonic()

    @property
    def is_usable(self) -> bool:
        is_fresh = monotonic() - self.rests_since < _REUSED_WITHIN_SECONDS
        return is_fresh and self._process.poll() is None and not self._pipe.poll()

    def list_tools(self, source: Source, on_progress: OnProgress) -> Listing:
        listing = Listing()
        with self._speaking():
            self._pipe.send_bytes(orjson.dumps(asdict(source)))
            for frame in self._frames(source, on_progress):
                if "code" in frame:
                    raise listing_failed(frame["code"], frame["message"])
                _take(frame, listing, on_progress)
        return listing

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as exc:
            raise ListerEnded from exc

    def _frames(
        self, source: Source, on_progress: OnProgress
    ) -> Iterator[dict[str, Any]]:
        """What the process sends until it is done, a frame at a time."""
        seen, silent_for = 0, 0.0
        while silent_for < source.timeout_seconds + _GRACE_SECONDS:
            if not self._pipe.poll(_TICK_SECONDS):
                silent_for += _TICK_SECONDS
                on_progress(seen)
                continue
            frame: dict[str, Any] = orjson.loads(self._pipe.recv_bytes())
            silent_for = 0.0
            if "broke" in frame:
                raise ListerBroke(f"Listing tools failed: {frame['broke']}.")
            if "seen" in frame:
                seen = frame["seen"]
                on_progress(seen)
                continue
            yield frame
            if frame.get("is_complete") or "code" in frame:
                return
        raise ListerEnded

    def end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()


def _take(frame: dict[str, Any], listing: Listing, on_progress: OnProgress) -> None:
    for *texts, needs_tasks, packed in frame.get("tools", ()):
        name, title, description = texts
        listing.tools[name] = ToolDefinition(
            name=name,
            title=title,
            description=description,
            needs_tasks=needs_tasks,
            packed=packed.encode(),
        )
    if "is_complete" in frame:
        frame["document"] = b64decode(frame["document"])
        for member, value in frame.items():
            setattr(listing, member, value)
    on_progress(len(listing.tools))


_idle: list[_Lister] = []
_idle_lock = Lock()


@contextlib.contextmanager
def _lister() -> Iterator[_Lister]:
    """An idle lister, or a new one; afterwards it waits for the next, unless it was interrupted."""
    lister = _take_idle() or _Lister()
    try:
        yield lister
    except ListingFailed:
        _put_back(lister)
        raise
    except BaseException:
        lister.end()
        raise
    _put_back(lister)


def _take_idle() -> _Lister | None:
    with _idle_lock:
        while _idle:
            lister = _idle.pop()
            if lister.is_usable:
                return lister
            lister.end()
    return None


def _put_back(lister: _Lister) -> None:
    lister.rests_since = monotonic()
    with _idle_lock:
        if len(_idle) < _MOST_IDLE:
            _idle.append(lister)
            return
    lister.end()


@atexit.register
def _end_idle() -> None:
    with _idle_lock:
        while _idle:
            _idle.pop().end()
