"""Server-sent events, parsed as they arrive and bounded."""

from dataclasses import dataclass

from toolsets.adapters.calling import ResultTooLarge


@dataclass(frozen=True, slots=True)
class Event:
    """One event that carries data."""

    name: str
    data: bytes


class EventParser:
    """Turns the chunks of one event stream, cut anywhere, into events.

    `last_event_id` and `retry_seconds` are what a reconnection needs; `restart` forgets the half event of a broken
    connection and keeps those two.
    """

    def __init__(self, *, max_event_bytes: int) -> None:
        self.max_event_bytes = max_event_bytes
        self.last_event_id = ""
        self.retry_seconds: float | None = None
        self.restart()

    def restart(self) -> None:
        self._partial: list[bytes] = []
        self._skips_newline = False
        self._is_first_line = True
        self._begin_event()

    def _begin_event(self) -> None:
        self._size = 0
        self._data: list[bytes] = []
        self._name = "message"
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes.

        Raises:
            ResultTooLarge: one event passed the bound.
        """
        if self._skips_newline and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skips_newline = False
        events: list[Event] = []
        for piece in chunk.splitlines(keepends=True):
            self._count(len(piece))
            self._partial.append(piece)
            if piece[-1] in b"\r\n":
                line = b"".join(self._partial).rstrip(b"\r\n")
                self._partial.clear()
                self._take(line, events)
        self._skips_newline = chunk.endswith(b"\r")
        return events

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self.max_event_bytes:
            raise ResultTooLarge(
                f"The upstream's answer is larger than the {self.max_event_bytes} bytes that are allowed."
            )

    def _take(self, line: bytes, events: list[Event]) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line:
            self._field(line)
        else:
            self._end_event(events)

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"data":
                self._data.append(value)
            case b"event":
                self._name = value.decode("utf-8", "replace")
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) < 10:
                self.retry_seconds = int(value) / 1000

    def _end_event(self, events: list[Event]) -> None:
        if self._id is not None:
            self.last_event_id = self._id
        data = b"\n".join(self._data)
        if data:
            events.append(Event(self._name, data))
        self._begin_event()
