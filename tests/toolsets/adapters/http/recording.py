"""A raw upstream on a loopback port that remembers exactly what it was sent, byte for byte, and answers by a script."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Reply = bytes | None
"""The bytes of an answer; None closes the connection without one."""

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came over the wire."""

    line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def method(self) -> str:
        return self.line.split(b" ")[0].decode()

    @property
    def target(self) -> str:
        """Path and query."""
        return self.line.split(b" ")[1].decode()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """The value of a header that was sent once, "" for none."""
        values = [v for n, v in self.headers if n.lower() == name.lower().encode()]
        assert len(values) <= 1, values
        return values[0].decode("latin-1") if values else ""

    @property
    def header_names(self) -> list[str]:
        return sorted(name.decode().lower() for name, _ in self.headers)


@dataclass
class Recorder:
    """What an upstream was sent, and where it listens."""

    port: int
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    reply: Callable[[Received], Reply] = field(default=lambda _: OK)
    hangs_up: bool = False

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def request(self) -> Received:
        """The one request that came."""
        (only,) = self.requests
        return only


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Listen for as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        recording = Recorder(port=listening.getsockname()[1])
        accepting = threading.Thread(
            target=_accept, args=(listening, recording), daemon=True
        )
        accepting.start()
        try:
            yield recording
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join(5)


def _accept(listening: socket.socket, recording: Recorder) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            recording.connections += 1
            threading.Thread(
                target=_serve, args=(connection, recording), daemon=True
            ).start()


def _serve(connection: socket.socket, recording: Recorder) -> None:
    with connection, connection.makefile("rb") as stream, suppress(OSError):
        while line := stream.readline():
            headers = []
            while (header := stream.readline()) not in (b"\r\n", b""):
                name, _, value = header.rstrip(b"\r\n").partition(b": ")
                headers.append((name, value))
            sizes = [int(v) for n, v in headers if n.lower() == b"content-length"]
            body = stream.read(sum(sizes))
            received = Received(line=line.rstrip(b"\r\n"), headers=headers, body=body)
            recording.requests.append(received)
            answer = recording.reply(received)
            if answer is None:
                return
            connection.sendall(answer)
            if recording.hangs_up:
                return


def response(
    body: bytes | str, *headers: str, status: str = "200 OK", media_type: str = ""
) -> bytes:
    """An answer as it goes over the wire."""
    content = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    if media_type:
        head.append(f"Content-Type: {media_type}")
    return "\r\n".join([*head, "", ""]).encode() + content
