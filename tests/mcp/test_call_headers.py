"""The headers of a call: those that repeat its arguments, and those that its row keeps."""

import json
from typing import Any

import pytest

from gateway.mcp.headers import check_param_headers, header_paths, kept_headers
from gateway.mcp.protocol import RpcError
from tests.mcp.surfaces import surface_tool

REGION = surface_tool(
    "query",
    parameters=json.dumps(
        {
            "type": "object",
            "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"},
                "limit": {"type": "integer", "x-mcp-header": "Limit"},
            },
        }
    ),
)


def test_paths_of_repeated_arguments_are_found_once() -> None:
    assert header_paths(REGION) == {("region",): "Region", ("limit",): "Limit"}
    assert header_paths(REGION) is header_paths(REGION)
    assert header_paths(surface_tool("plain")) == {}


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, {}),
        ({"region": None}, {}),
        ({"region": "eu"}, {"mcp-param-region": "eu"}),
        ({"region": "世"}, {"mcp-param-region": "=?base64?5LiW?="}),
        ({"limit": 42}, {"mcp-param-limit": "42.0"}),
        ({"region": "eu"}, {"mcp-param-region": "eu", "mcp-param-other": "x"}),
    ],
)
def test_headers_that_agree_are_let_through(
    arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    check_param_headers(REGION, arguments, headers)


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu"}, {}),
        ({"region": "eu"}, {"mcp-param-region": "us"}),
        ({}, {"mcp-param-region": "eu"}),
        ({"region": "eu"}, {"mcp-param-region": "=?base64?***?="}),
        ({"limit": 42}, {"mcp-param-limit": "43"}),
    ],
)
def test_headers_that_disagree_are_refused(
    arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    with pytest.raises(RpcError) as refused:
        check_param_headers(REGION, arguments, headers)

    assert (refused.value.code, refused.value.status) == (-32020, 400)


def test_row_keeps_x_headers_and_masks_what_tells_of_a_secret() -> None:
    telling = [
        "x-api-key",
        "x-token",
        "x-client-secret",
        "x-authorization",
        "x-cookie",
        "x-session-id",
        "x-signature",
        "x-password",
    ]
    headers = dict.fromkeys(telling, "s3cret") | {
        "x-request-id": "r1",
        "authorization": "Bearer s3cret",
    }

    kept = kept_headers(headers)

    assert kept == dict.fromkeys(telling, "***") | {"x-request-id": "r1"}


def test_row_keeps_sixteen_headers_of_256_characters() -> None:
    kept = kept_headers({f"x-{n}": "v" * 1000 + "\0" for n in range(50)})

    assert len(kept) == 16
    assert all(len(value) == 256 for value in kept.values())
