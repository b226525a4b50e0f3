"""Names whose answers change between two questions, and redirects: what was judged is what is connected to."""

import pytest

from tests.network.clients import (
    CLIENTS,
    Reach,
    call_legacy,
    call_modern,
    fetch_document,
    list_mcp,
    list_openapi,
)
from tests.network.names import Names
from tests.upstreams import App, Receive, Scope, Send, constant_app, served

ALLOWED = ("127.0.0.2/32",)
FORBIDDEN = [
    "127.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "10.0.0.1",
    "169.254.169.254",
    "inside.example",
    "mixed.example",
]
REDIRECTS = [301, 302, 303, 307, 308]


@pytest.fixture(autouse=True)
def private_names(names: Names) -> None:
    names.lead("inside.example", ["10.0.0.1"])
    names.lead("mixed.example", ["8.8.8.8", "127.0.0.1"])


@pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)
@pytest.mark.parametrize("later", [["127.0.0.1"], ["169.254.169.254"]])
def test_a_name_that_changes_its_mind_leads_where_it_was_judged(
    reach: Reach, later: list[str], names: Names, connected: list[str]
) -> None:
    names.lead("rebinding.example", ["127.0.0.2"], later)

    with served(constant_app(503, b""), host="127.0.0.2") as at:
        said = reach(f"http://rebinding.example:{at.port}/mcp", ALLOWED)

    assert set(connected) == {"127.0.0.2"}
    asked_again = said == "address_refused"  # for a second connection, never made
    assert names.asked["rebinding.example"] == 1 + asked_again


@pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)
def test_a_name_that_was_refused_is_not_asked_for_again(
    reach: Reach, names: Names, connected: list[str]
) -> None:
    names.lead("rebinding.example", ["127.0.0.1"], ["127.0.0.2"])

    with served(constant_app(503, b""), host="127.0.0.2") as at:
        said = reach(f"http://rebinding.example:{at.port}/mcp", ALLOWED)

    assert said == "address_refused"
    assert names.asked["rebinding.example"] == 1
    assert connected == []


@pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)
@pytest.mark.parametrize("host", FORBIDDEN)
def test_a_redirect_to_a_special_address_is_not_followed(
    reach: Reach, host: str, connected: list[str]
) -> None:
    location = (b"location", f"http://{host}:9/mcp".encode())

    with served(constant_app(307, b"", location), host="127.0.0.2") as at:
        said = reach(at.url(), ALLOWED)

    refused = reach in (fetch_document, list_openapi)
    assert said in ({"address_refused"} if refused else {"redirected", "upstream_misbehaved", "answered_failure"})  # fmt: skip
    assert set(connected) == {"127.0.0.2"}


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_fetch_judges_what_every_kind_of_redirect_leads_to(
    status: int, connected: list[str]
) -> None:
    location = (b"location", b"//inside.example:9/spec")

    with served(constant_app(status, b"", location), host="127.0.0.2") as at:
        said = fetch_document(at.url(), ALLOWED)

    assert said == "address_refused"
    assert connected == ["127.0.0.2"]


def test_a_name_is_judged_anew_at_every_redirect(
    names: Names, connected: list[str]
) -> None:
    names.lead("rebinding.example", ["127.0.0.2"], ["127.0.0.1"])

    with served(constant_app(302, b"", (b"location", b"/b")), host="127.0.0.2") as at:
        said = fetch_document(f"http://rebinding.example:{at.port}/a", ALLOWED)

    assert said == "address_refused"
    assert connected == ["127.0.0.2"]


@pytest.mark.parametrize(
    "reach", [call_modern, call_legacy, list_mcp], ids=lambda r: r.__name__
)
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9/messages",
        "http://[::1]:9/messages",
        "http://127.0.0.2:9/messages",
        "https://127.0.0.2/messages",
        "//inside.example/messages",
        "http://who:me@127.0.0.2:{port}/messages",
        "file:///etc/passwd",
    ],
)
def test_an_event_stream_cannot_send_messages_elsewhere(
    reach: Reach, endpoint: str, connected: list[str]
) -> None:
    with served(pointing(endpoint), host="127.0.0.2") as at:
        said = reach(at.url("/sse"), ALLOWED, seconds=5)

    assert said != "reached"
    assert set(connected) == {"127.0.0.2"}


def pointing(endpoint: str) -> App:
    """An upstream of the older transport, whose event names `endpoint` as the address of messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        is_stream = scope["method"] == "GET"
        head = [(b"content-type", b"text/event-stream")] if is_stream else []
        status = 200 if is_stream else 405
        await send({"type": "http.response.start", "status": status, "headers": head})
        address = endpoint.replace("{port}", str(scope["server"][1]))
        event = f"event: endpoint\ndata: {address}\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        while is_stream and (await receive())["type"] != "http.disconnect":
            pass

    return app
