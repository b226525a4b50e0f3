"""Shows on a terminal how far a sync is: a bar where one is looking, plain lines elsewhere."""

import time
from typing import Any

from toolsets.following import Progress

_WIDTH = 30
_LINE_SECONDS = 5.0


class ProgressDisplay:
    """One line that is written over on a terminal; in a log, a line whenever there is news, at most every few seconds."""

    def __init__(self, stream: Any, *, expected: int) -> None:
        self._stream = stream
        self._expected = expected
        self._is_terminal = stream.isatty()
        self._said = ""
        self._said_at = float("-inf")

    def show(self, progress: Progress) -> None:
        words = words_of(progress)
        if self._is_terminal:
            self._stream.write(
                f"\r{bar(progress, expected=self._expected)} {words}\x1b[K", ending=""
            )
            self._stream.flush()
        elif words == self._said or time.monotonic() - self._said_at < _LINE_SECONDS:
            return
        else:
            self._said_at = time.monotonic()
            self._stream.write(words)
        self._said = words

    def close(self) -> None:
        """Leave the terminal's line clean."""
        if self._is_terminal and self._said:
            self._stream.write("\r\x1b[K", ending="")


def words_of(progress: Progress) -> str:
    if not progress.is_taken:
        return "Waiting for a worker"
    if not progress.tools_seen:
        return "Asking the upstream for its tools"
    tools = "tool" if progress.tools_seen == 1 else "tools"
    return f"{progress.tools_seen:,} {tools} seen, {progress.tools_written:,} written"


def bar(progress: Progress, *, expected: int) -> str:
    """Half of it is for listing, measured by how many tools there were last time; half for writing."""
    total = max(expected, progress.tools_seen, 1)
    done = (progress.tools_seen + progress.tools_written) / (2 * total)
    full = int(_WIDTH * min(done, 1.0))
    return f"[{'#' * full}{'.' * (_WIDTH - full)}]"
