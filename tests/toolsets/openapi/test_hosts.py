"""Where the calls of an OpenAPI tool set go, and where its headers never go."""

from typing import Any

import pytest

from tests.rest import Script
from tests.toolsets.openapi.documents import (
    HOST,
    Recorder,
    built,
    document,
    listed,
    only_tool,
    operation,
    request_of,
)
from tests.toolsets.openapi.test_sync import Serve, connected, synced
from toolsets.adapters.failures import DocumentInvalid
from toolsets.adapters.http.requests import RequestRefused

SECRET = {"Authorization": "Bearer secret"}
PATHS = {"/a": {"get": operation()}}
NAMED = [
    {"url": f"{HOST}/v1", "description": "Live"},
    {"url": "https://test.example.com", "name": "sandbox"},
    {"url": "https://{region}.example.com/{v}/", "x-name": "regional",
     "variables": {"region": {"default": "eu"}, "v": {"default": "v3"}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("server_name", "expected"),
    [
        ("", f"{HOST}/v1/a"),
        ("Live", f"{HOST}/v1/a"),
        ("sandbox", "https://test.example.com/a"),
        ("regional", "https://eu.example.com/v3/a"),
        ("1", "https://test.example.com/a"),
    ],
)
def test_server_is_chosen_by_name(server_name: str, expected: str) -> None:
    request = built(document(PATHS, servers=NAMED), {}, serverName=server_name)

    assert request.url == expected


def test_unknown_server_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(DocumentInvalid, match="'Live', 'sandbox', 'regional'"):
        listed(document(PATHS, servers=NAMED), serverName="nowhere")


def test_base_url_wins_over_every_server() -> None:
    paths = {"/a": {"get": operation(servers=[{"url": "https://evil.example"}])}}

    request = built(document(paths), {}, headers=SECRET, baseUrl="https://b.example/x/")

    assert request.url == "https://b.example/x/a"
    assert request.headers == SECRET


def test_operation_on_another_host_is_skipped_and_named() -> None:
    paths = {
        **PATHS,
        "/b": {"get": operation("b", servers=[{"url": "https://other.example"}])},
        "/c": {"get": operation("c", servers=[{"url": f"{HOST}/v2"}])},
    }

    listing = listed(document(paths))

    assert list(listing.tools) == ["act", "c"]
    assert listing.skipped == [
        f"b (GET /b): it is at https://other.example, and this tool set calls {HOST}. "
        "Connect it as a tool set of its own, with that baseUrl"
    ]
    assert listing.tools["c"].unpacked()["config"]["server"] == f"{HOST}/v2"


@pytest.mark.parametrize(
    "servers",
    [
        [{"url": "/v1"}],
        [],
        [{"url": "https://{region}.example.com"}],
        [{"url": "ftp://x.example"}],
        [{"url": "https://user:password@x.example"}],
        [{"url": "https://x.example/\r\nX: y"}],
    ],
)
def test_pasted_document_must_say_where_its_api_is(servers: list[Any]) -> None:
    with pytest.raises(DocumentInvalid, match="Set baseUrl"):
        listed(document(PATHS, servers=servers))


def test_relative_server_is_where_the_document_is(rest: Script, serve: Serve) -> None:
    recorder = Recorder({"/docs/spec": document(PATHS, servers=[{"url": "../api"}])})
    at = serve(recorder.app)
    tool_set = connected(rest, url=at.url("/docs/spec"), headers=SECRET)

    synced(tool_set)

    assert tool_set.tools.get().config["server"] == at.url("/api")
    assert recorder.seen[0]["headers"]["authorization"] == "Bearer secret"


def test_headers_go_to_no_server_that_only_the_document_names(
    rest: Script, serve: Serve
) -> None:
    at = serve(Recorder({"/spec": document(PATHS)}).app)
    tool_set = connected(rest, url=at.url("/spec"), headers=SECRET)

    event = synced(tool_set)

    assert event.error_type == "server_not_confirmed"
    assert event.message.endswith("set baseUrl to it.")
    assert not tool_set.tools.exists()


def test_headers_for_the_api_are_not_sent_to_where_the_document_is(
    rest: Script, serve: Serve
) -> None:
    recorder = Recorder({"/spec": document(PATHS)})
    url = serve(recorder.app).url("/spec")
    tool_set = connected(rest, url=url, headers=SECRET, baseUrl=HOST)

    assert synced(tool_set).tools_synced == 1
    assert "authorization" not in recorder.seen[0]["headers"]


def test_tool_synced_from_elsewhere_than_the_settings_say_is_not_called() -> None:
    config = only_tool(document(PATHS), baseUrl=HOST).unpacked()["config"]

    with pytest.raises(RequestRefused, match="address of this tool set was changed"):
        request_of(config, {}, headers=SECRET, baseUrl="https://new.example")


def test_headers_added_after_the_sync_do_not_go_elsewhere() -> None:
    config = {"method": "GET", "path": "/a", "server": "https://other.example", "given": HOST}  # fmt: skip

    with pytest.raises(RequestRefused, match="headers are not sent there"):
        request_of(config, {}, headers=SECRET, baseUrl=HOST)


def test_arguments_override_no_header_of_the_operator() -> None:
    described = {"name": "X-Key", "in": "header", "required": True, "schema": {}}
    paths = {"/a": {"get": operation(parameters=[described])}}
    headers = {"x-key": "operator", "Cookie": "a=1"}

    tool = only_tool(document(paths), headers=headers)

    assert tool.unpacked()["parameters"]["properties"] == {}
    assert built(document(paths), {}, headers=headers).headers == {
        "x-key": "operator",
        "Cookie": "a=1",
    }


@pytest.mark.parametrize(
    ("scheme", "hint"),
    [
        ({"type": "http", "scheme": "bearer"}, "the header Authorization: Bearer ${TOKEN}"),
        ({"type": "oauth2", "flows": {}}, "the header Authorization: Bearer ${TOKEN}"),
        ({"type": "apiKey", "in": "header", "name": "X-Api-Key"}, "the header X-Api-Key: ${X_API_KEY}"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "the header Cookie: sid=${SID}"),
        ({"type": "apiKey", "in": "query", "name": "key"}, "a key in the query parameter key (which Toolcrib cannot add)"),
        ({"type": "mutualTLS"}, "a client certificate (which Toolcrib cannot present)"),
    ],
)  # fmt: skip
def test_missing_credentials_are_named(scheme: Any, hint: str) -> None:
    components = {"securitySchemes": {"it": scheme}}
    given = document(PATHS, components=components, security=[{"it": []}])

    notes = listed(given).notes

    assert notes == [
        f"1 operation needs credentials that are not set. Give the tool set {hint}."
    ]


@pytest.mark.parametrize("security", [[], [{}], [{"it": []}, {}]])
def test_nothing_is_missing_where_nothing_is_needed(security: Any) -> None:
    components = {"securitySchemes": {"it": {"type": "http", "scheme": "bearer"}}}
    given = document(PATHS, components=components, security=security)

    assert listed(given).notes == []


def test_nothing_is_missing_where_the_header_is_set() -> None:
    components = {"securitySchemes": {"it": {"type": "http", "scheme": "bearer"}}}
    given = document(PATHS, components=components, security=[{"it": []}])

    assert listed(given, headers=SECRET).notes == []
