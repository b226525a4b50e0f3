"""The rules of the protocol's revisions, as tables."""

from typing import Any

import pytest

from gateway.mcp.protocol import (
    Client,
    RpcError,
    client_name,
    decoded,
    is_modern_request,
    modern_client,
    repeated_routing_header,
)
from tests.mcp.agents import CAPABILITIES, CLIENT, MODERN, VERSION

META = {VERSION: MODERN, CAPABILITIES: {}}
HEADERS = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}


@pytest.mark.parametrize(
    ("header", "meta", "expected"),
    [
        (None, None, False),
        ("2025-11-25", None, False),
        ("2025-03-26", {}, False),
        ("2026-07-28", None, True),
        ("1900-01-01", None, True),
        ("2024-11-05", None, True),
        (None, {VERSION: MODERN}, True),
        ("2025-11-25", {VERSION: MODERN}, True),
        (None, "no object", False),
    ],
)
def test_request_is_of_the_newest_era_by_header_or_envelope(
    header: str | None, meta: Any, expected: bool
) -> None:
    assert is_modern_request(header, meta) is expected


@pytest.mark.parametrize(
    ("method", "params", "headers", "code"),
    [
        ("tools/list", None, HEADERS, -32602),
        ("tools/list", {}, HEADERS, -32602),
        ("tools/list", {"_meta": []}, HEADERS, -32602),
        ("tools/list", {"_meta": {VERSION: MODERN}}, HEADERS, -32602),
        ("tools/list", {"_meta": {CAPABILITIES: {}}}, HEADERS, -32602),
        ("tools/list", {"_meta": META}, {}, -32020),
        ("tools/list", {"_meta": META}, {"mcp-protocol-version": MODERN}, -32020),
        (
            "tools/list",
            {"_meta": META},
            HEADERS | {"mcp-protocol-version": "2025-11-25"},
            -32020,
        ),
        ("tools/list", {"_meta": META}, HEADERS | {"mcp-method": "ping"}, -32020),
        (
            "tools/call",
            {"_meta": META, "name": "a"},
            HEADERS | {"mcp-method": "tools/call"},
            -32020,
        ),
        (
            "tools/call",
            {"_meta": META, "name": "a"},
            HEADERS | {"mcp-method": "tools/call", "mcp-name": "b"},
            -32020,
        ),
        (
            "tools/call",
            {"_meta": META, "name": "a"},
            HEADERS | {"mcp-method": "tools/call", "mcp-name": "=?base64?!?="},
            -32020,
        ),
        (
            "tools/list",
            {"_meta": META | {VERSION: "1900-01-01"}},
            HEADERS | {"mcp-protocol-version": "1900-01-01"},
            -32022,
        ),
        ("tools/list", {"_meta": META | {CAPABILITIES: []}}, HEADERS, -32602),
        ("tools/list", {"_meta": META | {VERSION: 5}}, HEADERS, -32020),
    ],
)
def test_request_that_breaks_a_rule_of_the_envelope_is_refused(
    method: str, params: Any, headers: dict[str, str], code: int
) -> None:
    with pytest.raises(RpcError) as refused:
        modern_client(method, params, headers)

    assert refused.value.code == code
    assert refused.value.status == 400


def test_unsupported_version_is_told_which_are_supported() -> None:
    meta = META | {VERSION: "1900-01-01"}
    headers = HEADERS | {"mcp-protocol-version": "1900-01-01"}

    with pytest.raises(RpcError) as refused:
        modern_client("tools/list", {"_meta": meta}, headers)

    assert refused.value.data == {"supported": [MODERN], "requested": "1900-01-01"}


def test_whole_envelope_makes_a_client() -> None:
    meta = META | {
        CAPABILITIES: {"elicitation": {"form": {}}},
        CLIENT: {"name": "n", "version": "1"},
    }

    client = modern_client("tools/list", {"_meta": meta}, HEADERS)

    assert client == Client(
        version=MODERN, name="n/1", capabilities={"elicitation": {"form": {}}}
    )


def test_name_in_the_header_may_be_wrapped() -> None:
    headers = HEADERS | {"mcp-method": "tools/call", "mcp-name": "=?base64?5LiW?="}

    assert modern_client("tools/call", {"_meta": META, "name": "世"}, headers)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("plain", "plain"),
        ("=?base64?aGk=?=", "hi"),
        ("=?base64?aGk?=", None),
        ("=?base64?aGl=?=", None),
        ("=?base64?/w==?=", None),
        ("=?BASE64?aGk=?=", "=?BASE64?aGk=?="),
    ],
)
def test_header_value_is_unwrapped_strictly(
    value: str | None, expected: str | None
) -> None:
    assert decoded(value) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([b"mcp-method", b"mcp-name"], None),
        ([b"mcp-method", b"accept", b"mcp-method"], "mcp-method"),
        ([b"mcp-param-region", b"mcp-param-region"], "mcp-param-region"),
        ([b"accept", b"accept"], None),
    ],
)
def test_header_about_the_body_may_not_stand_twice(
    names: list[bytes], expected: str | None
) -> None:
    assert repeated_routing_header((name, b"x") for name in names) == expected


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (None, ""),
        ({"name": "a"}, "a"),
        ({"name": "a", "version": "2"}, "a/2"),
        ({"name": "a\x00\nb", "version": 7}, "a  b"),
        ({"name": "x" * 100}, "x" * 60),
    ],
)
def test_client_name_is_short_and_printable(info: Any, expected: str) -> None:
    assert client_name(info) == expected
