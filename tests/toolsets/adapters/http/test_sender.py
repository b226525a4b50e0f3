"""One request per call, over connections that carry nobody else's credential."""

import asyncio

import pytest

from gateway.network import AddressRefused
from tests.toolsets.adapters.forwarding import request, target
from tests.toolsets.adapters.http.recording import OK, Recorder
from tests.toolsets.adapters.http.sending import send, with_sender
from toolsets.adapters.calling import ToolSetBusy, UpstreamLost, UpstreamUnreachable
from toolsets.adapters.http.clients import Clients
from toolsets.adapters.http.requests import OutgoingRequest
from toolsets.adapters.http.sender import HttpSender


def test_request_goes_out_as_it_was_built(upstream: Recorder) -> None:
    send(
        upstream.url("/a%2Fb/%2e%2E/c?q=%26&q=+"),
        "PATCH",
        headers={"Accept": "text/csv", "X-Key": "k"},
        body=b"{}",
        content_type="application/json",
    )

    sent = upstream.request
    assert sent.line == b"PATCH /a%2Fb/%2e%2E/c?q=%26&q=+ HTTP/1.1"
    assert sent.body == b"{}"
    assert sent.header("accept") == "text/csv"
    assert sent.header("content-type") == "application/json"
    assert sent.header("x-key") == "k"
    assert sent.header("user-agent") == "toolcrib"
    assert sent.header("host") == f"127.0.0.1:{upstream.port}"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_broken_read_is_repeated_once(upstream: Recorder, method: str) -> None:
    ends = OK.partition(b"ok")[0] if method == "HEAD" else OK
    upstream.reply = lambda _: ends if len(upstream.requests) > 1 else None

    assert "isError" not in send(upstream.url(), method).result
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_broken_write_is_not_repeated(upstream: Recorder, method: str) -> None:
    upstream.reply = lambda _: None

    with pytest.raises(UpstreamLost):
        send(upstream.url(), method)
    assert len(upstream.requests) == 1


def test_broken_write_over_a_kept_connection_is_not_repeated(
    upstream: Recorder,
) -> None:
    upstream.reply = lambda _: OK if len(upstream.requests) == 1 else None
    outgoing = OutgoingRequest(method="PUT", url=upstream.url(), body=b"1")

    async def scene(sender: HttpSender) -> None:
        await sender.send(target(upstream.url()), request(), has_waited=False)
        with pytest.raises(UpstreamLost):
            await sender.send(target(upstream.url()), request(), has_waited=False)

    with_sender(outgoing, scene)
    assert (upstream.connections, len(upstream.requests)) == (1, 2)


def test_broken_write_with_trusted_hints_is_repeated(upstream: Recorder) -> None:
    upstream.reply = lambda _: OK if len(upstream.requests) > 1 else None

    assert send(upstream.url(), "PUT", call={"is_retryable": True}).size == 2


def test_answer_that_breaks_off_is_lost(upstream: Recorder) -> None:
    upstream.reply = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    upstream.hangs_up = True

    with pytest.raises(UpstreamLost):
        send(upstream.url(), "POST")


def test_what_listens_to_nobody_is_unreachable() -> None:
    with pytest.raises(UpstreamUnreachable):
        send("http://127.0.0.1:1/")


def test_address_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(AddressRefused):
        send("http://10.0.0.1/")


def test_cookies_are_not_kept(upstream: Recorder) -> None:
    kept = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=me; Path=/\r\nContent-Length: 0\r\n\r\n"
    upstream.reply = lambda _: kept
    outgoing = OutgoingRequest(method="GET", url=upstream.url())

    async def scene(sender: HttpSender) -> None:
        for _ in range(2):
            await sender.send(target(upstream.url()), request(), has_waited=False)

    with_sender(outgoing, scene)
    assert [sent.header("cookie") for sent in upstream.requests] == ["", ""]


def test_connection_of_one_credential_serves_no_other(upstream: Recorder) -> None:
    outgoing = OutgoingRequest(method="GET", url=upstream.url())
    keys = [("ts_1", 1, "", 0), ("ts_1", 1, "", 0), ("ts_1", 1, "", 1)]

    async def scene(sender: HttpSender) -> None:
        for key in keys:
            to = target(upstream.url(), key=key)
            await sender.send(to, request(), has_waited=False)

    with_sender(outgoing, scene)
    assert (upstream.connections, len(upstream.requests)) == (2, 3)


def test_call_that_waited_is_confirmed_before_it_is_sent(upstream: Recorder) -> None:
    steps: list[str] = []
    outgoing = OutgoingRequest(method="GET", url=upstream.url())

    async def scene(sender: HttpSender) -> None:
        async def confirm() -> None:
            steps.append(f"confirmed after {len(upstream.requests)}")

        call = request(after_wait=confirm, on_sent=lambda: steps.append("sent"))
        await sender.send(target(upstream.url()), call, has_waited=False)
        await sender.send(target(upstream.url()), call, has_waited=True)

    with_sender(outgoing, scene)
    assert steps == ["sent", "confirmed after 1", "sent"]


def test_client_in_use_makes_no_room_and_an_idle_one_does(upstream: Recorder) -> None:
    clients = Clients(most=1, connect_seconds=2.0, idle_seconds=60.0)

    async def scene() -> list[bool]:
        with clients.of(target(upstream.url())) as first:
            pass
        with (
            clients.of(target(upstream.url(), key=("ts_2", 1, "", 0))),
            pytest.raises(ToolSetBusy),
            clients.of(target(upstream.url())),
        ):
            pass
        await clients.aclose()
        return [first.closed]

    assert asyncio.run(scene()) == [True]
