"""Upstreams that try to take more than they may: time, memory, and threads."""

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic
from typing import Any

import pytest

from tests.network.clients import (
    CLIENTS,
    Reach,
    call_http,
    call_legacy,
    call_modern,
    fetch_document,
    list_mcp,
    list_openapi,
)
from tests.network.names import Names
from tests.upstreams import constant_app, served

LOOPBACK = ("127.0.0.0/8",)
BOMB = 200_000_000

every_client = pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)


@contextmanager
def talking(beginning: bytes, again: bytes) -> Iterator[str]:
    """A raw upstream that answers whatever comes with `beginning`, and then with `again` for ever."""

    def talk(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(65_536)
            client.sendall(beginning)
            while not over.wait(0 if len(again) > 100 else 0.02):
                client.sendall(again)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=talk, args=[client], daemon=True).start()

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/mcp"
        over.set()
        server.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@every_client
@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"HTTP/1.1 2", b""),
        (HEAD + b"X-Slow: ", b"x"),
        (HEAD + b"Content-Length: 1000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "chunks", "informational"],
)
def test_an_upstream_that_drips_is_given_up_in_time(
    beginning: bytes, again: bytes, reach: Reach
) -> None:
    started = monotonic()

    with talking(beginning, again) as url:
        said = reach(url, LOOPBACK, seconds=1)

    assert said != "reached"
    assert monotonic() - started < 25


@every_client
@pytest.mark.parametrize(
    "again",
    [b"X-Large: " + b"x" * 60_000, b"X-Many: x\r\n" * 10_000],
    ids=["one header", "many headers"],
)
def test_headers_without_end_are_cut_off(again: bytes, reach: Reach) -> None:
    with talking(HEAD, again) as url:
        said = reach(url, LOOPBACK, seconds=20)

    assert said in {
        "upstream_misbehaved",
        "upstream_error",
        "protocol_error",
        "fetch_failed",
        "unreachable",
    }


@cache
def bomb(encoding: str) -> bytes:
    if encoding == "deflate":
        return zlib.compress(b"\0" * BOMB)
    return gzip.compress(b"\0" * BOMB)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    ("reach", "code"),
    [
        (call_modern, {"result_too_large"}),
        (call_http, {"result_too_large"}),
        (call_legacy, {"upstream_misbehaved", "result_too_large"}),
        (list_mcp, {"too_large"}),
        (list_openapi, {"too_large", "unreachable"}),
        (fetch_document, {"too_large", "fetch_failed"}),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_a_compressed_answer_is_bounded_as_it_unpacks(
    reach: Reach, code: set[str], encoding: str
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-encoding", encoding.encode()),
    ]

    with served(constant_app(200, bomb(encoding), *headers)) as at:
        tracemalloc.start()
        said = reach(at.url(), LOOPBACK, seconds=20)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert said in code
    assert peak < BOMB / 2


@every_client
@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip"])
def test_an_answer_that_cannot_be_unpacked_is_a_failure_of_the_upstream(
    encoding: bytes, reach: Reach
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-encoding", encoding),
    ]

    with served(constant_app(200, b"\x0b\x02\x80{}\x03", *headers)) as at:
        said = reach(at.url(), LOOPBACK, seconds=5)

    assert said not in {"reached", "internal"}


@every_client
def test_a_name_server_that_never_answers_is_not_waited_for(
    reach: Reach, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def hang(*_: Any, **__: Any) -> Any:
        answer.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = monotonic()

    said = reach("http://slow.example/mcp", seconds=1)
    taken = monotonic() - started
    answer.set()

    assert said in {"upstream_timed_out", "timed_out", "fetch_timed_out"}
    assert taken < 25
