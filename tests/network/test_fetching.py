"""Documents fetched from strangers: redirects, credentials, sizes and time."""

import gzip
import json
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import httpcore2
import pytest

from gateway.network import (
    AddressRefused,
    FetchAnswered,
    Fetched,
    FetchFailed,
    FetchTimedOut,
    RedirectRefused,
    ResponseTooLarge,
    fetch,
)
from tests.network.tunnels import tls_server
from tests.upstreams import (
    App,
    Receive,
    Scope,
    Send,
    constant_app,
    dripping_app,
    served,
)

LOOPBACK = ("127.0.0.0/8",)
MANY = 1_000_000


def fetched(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    networks: tuple[str, ...] = LOOPBACK,
    timeout_seconds: float = 10,
    max_bytes: int = MANY,
) -> Fetched:
    return fetch(
        url,
        headers=headers or {},
        networks=networks,
        timeout_seconds=timeout_seconds,
        max_bytes=max_bytes,
    )


def redirecting(where: Callable[[str], str | None]) -> App:
    """Redirects each path to `where(path)`, and answers with the request's headers where that is None."""

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        target = where(scope["path"])
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        out = [(b"content-type", b"application/json"), (b"set-cookie", b"who=me")]
        if target is not None:
            out.append((b"location", target.encode()))
        status = 200 if target is None else 302
        await send({"type": "http.response.start", "status": status, "headers": out})
        await send({"type": "http.response.body", "body": json.dumps(headers).encode()})

    return app


def document(content: bytes, *headers: tuple[bytes, bytes]) -> App:
    return constant_app(200, content, *headers)


def test_a_document_comes_whole_with_its_type_and_address() -> None:
    app = document(b"openapi: 3.1.0", (b"content-type", b"application/yaml"))

    with served(app) as at:
        found = fetched(at.url("/spec#part"))

    assert found.body == b"openapi: 3.1.0"
    assert found.content_type == "application/yaml"
    assert found.final_url == at.url("/spec")


def test_redirects_on_one_origin_keep_the_headers_and_take_no_cookie() -> None:
    app = redirecting({"/a": "/b", "/b": "c"}.get)

    with served(app) as at:
        found = fetched(at.url("/a"), headers={"X-Key": "hunter2"})

    assert found.final_url == at.url("/c")
    assert json.loads(found.body)["x-key"] == "hunter2"
    assert "cookie" not in json.loads(found.body)


def test_another_origin_gets_no_header_and_neither_does_the_way_back() -> None:
    with served(redirecting({"/a": "/b"}.get)) as other:
        app = redirecting({"/a": other.url("/stay"), "/b": None}.get)
        with served(app) as at:
            away = fetched(at.url("/a"), headers={"Authorization": "Bearer hunter2"})

    assert away.final_url == other.url("/stay")
    assert "authorization" not in json.loads(away.body)


def test_headers_that_were_dropped_do_not_come_back() -> None:
    ways: dict[str, str] = {}
    with served(redirecting(ways.get)) as at, served(redirecting(ways.get)) as other:
        ways |= {"/a": other.url("/b"), "/b": at.url("/c")}

        back = fetched(at.url("/a"), headers={"Authorization": "Bearer hunter2"})

    assert back.final_url == at.url("/c")
    assert "authorization" not in json.loads(back.body)


def test_five_redirects_are_followed_and_six_are_not() -> None:
    app = redirecting(lambda path: None if path == "/0" else f"/{int(path[1:]) - 1}")

    with served(app) as at:
        assert fetched(at.url("/5")).final_url == at.url("/0")
        with pytest.raises(RedirectRefused):
            fetched(at.url("/6"))


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "javascript:alert(1)",
        "http://user:pass@127.0.0.1/",
        "http://[::1/",
        "http://127.0.0.1:99999/",
    ],
)
def test_a_redirect_to_what_is_no_plain_address_is_refused(location: str) -> None:
    with (
        served(redirecting({"/a": location}.get)) as at,
        pytest.raises(RedirectRefused) as caught,
    ):
        fetched(at.url("/a"))

    assert "pass@" not in caught.value.message


@pytest.mark.parametrize("location", ["http://127.0.0.1:{}/", "HTTP://127.0.0.1:{}/"])
def test_a_redirect_from_https_to_http_is_refused(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(httpcore2, "default_ssl_context", lambda **_: trusting)

    with served(redirecting(lambda _: None)) as plain:
        leads = f"HTTP/1.1 302 Found\r\nLocation: {location.format(plain.port)}"
        answer = f"{leads}\r\nContent-Length: 0\r\n\r\n".encode()
        with (
            tls_server(tmp_path, answer=answer) as (port, _),
            pytest.raises(RedirectRefused, match="from https to http"),
        ):
            fetched(f"https://127.0.0.1:{port}/a")


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused() -> None:
    app = redirecting({"/a": "http://169.254.169.254/latest/meta-data"}.get)

    with served(app) as at, pytest.raises(AddressRefused):
        fetched(at.url("/a"))


@pytest.mark.parametrize("url", ["", "spec.json", "ftp://127.0.0.1/", "http://", "http://u:p@127.0.0.1/", "http://[/"])  # fmt: skip
def test_what_is_no_plain_http_address_is_not_fetched(url: str) -> None:
    with pytest.raises(FetchFailed):
        fetched(url)


def test_a_document_is_refused_where_it_passes_the_bound() -> None:
    with served(document(b"x" * 1001)) as at:
        with pytest.raises(ResponseTooLarge):
            fetched(at.url(), max_bytes=1000)
        assert len(fetched(at.url(), max_bytes=1001).body) == 1001


def test_a_compressed_document_is_bounded_as_it_unpacks() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    app = document(bomb, (b"content-encoding", b"gzip"))

    with served(app) as at:
        with pytest.raises(ResponseTooLarge):
            fetched(at.url(), max_bytes=MANY)
        assert len(fetched(at.url(), max_bytes=50_000_000).body) == 50_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", b"not gzip"),
        (b"gzip", gzip.compress(b"{}" * 100, mtime=0)[:-9]),
        (b"br", b"\x0b\x02\x80{}\x03"),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)),
    ],
)
def test_a_document_that_cannot_be_unpacked_has_failed(
    encoding: bytes, body: bytes
) -> None:
    with (
        served(document(body, (b"content-encoding", encoding))) as at,
        pytest.raises(FetchFailed),
    ):
        fetched(at.url())


@pytest.mark.parametrize("status", [204, 304, 401, 403, 404, 500])
def test_another_status_than_200_is_told(status: int) -> None:
    with (
        served(constant_app(status, b"")) as at,
        pytest.raises(FetchAnswered) as caught,
    ):
        fetched(at.url())

    assert caught.value.status == status


def test_a_document_that_drips_is_given_up_in_time() -> None:
    with (
        served(dripping_app(b" ", every_seconds=0.02)) as at,
        pytest.raises(FetchTimedOut),
    ):
        fetched(at.url(), timeout_seconds=0.5)


def test_a_server_that_is_not_there_has_no_document() -> None:
    with served(document(b"")) as at:
        pass

    with pytest.raises(FetchFailed):
        fetched(at.url())
