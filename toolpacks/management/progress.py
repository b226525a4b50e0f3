"""Shows how far the run of a bundle is: a bar on a terminal, lines in a log."""

import time
from typing import Any

_WIDTH = 30
_LINE_SECONDS = 5.0


class RunProgress:
    """One line that is written over on a terminal; elsewhere a line every few seconds."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._said_at = time.monotonic()

    def show(self, done: int, total: int) -> None:
        if self._is_terminal:
            full = _WIDTH * done // max(total, 1)
            bar = "#" * full + "." * (_WIDTH - full)
            self._stream.write(f"\r[{bar}] {done:,} of {total:,}\x1b[K", ending="")
            self._stream.flush()
        elif time.monotonic() - self._said_at > _LINE_SECONDS:
            self._said_at = time.monotonic()
            self._stream.write(f"{done:,} of {total:,} done")

    def close(self) -> None:
        """Leave the terminal's line clean."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K", ending="")
