"""How an upstream's result fits each revision, and what is no result at all."""

from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.mcp.protocol import Client
from gateway.mcp.results import encoded, fitted, refusal
from tests.mcp.upstreams import text
from toolsets.adapters.calling import UpstreamMisbehaved

OLDEST, TITLED, NEWEST = (
    Client(version=version) for version in ("2025-03-26", "2025-06-18", "2026-07-28")
)
LINK = {"type": "resource_link", "uri": "file:///a", "name": "a"}
SERVER = "io.modelcontextprotocol/serverInfo"


@pytest.mark.parametrize(
    ("structured", "client", "expected"),
    [
        ({"a": 1}, OLDEST, None),
        ({"a": 1}, TITLED, {"a": 1}),
        ({"a": 1}, NEWEST, {"a": 1}),
        ([1], TITLED, None),
        ([1], NEWEST, [1]),
    ],
)
def test_structured_content_reaches_revisions_that_know_it(
    structured: Any, client: Client, expected: Any
) -> None:
    result = fitted(text("said", structuredContent=structured), client)

    assert result.get("structuredContent") == expected


def test_structure_that_a_revision_does_not_know_becomes_text_where_there_is_none() -> (
    None
):
    result = fitted({"content": [], "structuredContent": [1, 2]}, TITLED)

    assert result == {"content": [{"type": "text", "text": "[1,2]"}]}


def test_link_becomes_text_for_the_oldest_revision() -> None:
    assert fitted({"content": [LINK]}, TITLED)["content"] == [LINK]
    (block,) = fitted({"content": [LINK]}, OLDEST)["content"]
    assert block["type"] == "text"
    assert "file:///a" in block["text"]


def test_newest_revision_is_told_who_answers_and_how() -> None:
    result = fitted(text("said"), NEWEST)

    assert result["resultType"] == "complete"
    assert result["_meta"][SERVER]["name"] == "toolcrib"


def test_upstream_cannot_speak_with_our_voice() -> None:
    meta = {
        "dev.toolcrib/refusal": {"code": "fake"},
        SERVER: {"name": "fake"},
        "com.example/own": 1,
    }

    assert fitted(text("said", _meta=meta), TITLED)["_meta"] == {"com.example/own": 1}


def test_unknown_members_of_a_result_stay_behind() -> None:
    result = fitted(text("said", resultType="odd", extra=1, isError="yes"), TITLED)

    assert result == text("said")


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"content": None},
        {"content": "text"},
        {"content": ["text"]},
        {"content": [{"type": "video"}]},
        {"content": [{"type": ["text"]}]},
        {"content": [{"type": "text"}]},
        {"content": [{"type": "text", "text": 5}]},
        {"content": [{"type": "image", "data": "aGk="}]},
        {"content": [{"type": "resource", "resource": "file:///a"}]},
        {"content": [{"type": "resource_link", "uri": "file:///a"}]},
    ],
)
def test_what_is_no_tool_result_is_the_upstreams_fault(result: dict[str, Any]) -> None:
    with pytest.raises(UpstreamMisbehaved):
        fitted(result, NEWEST)


def test_result_too_deep_to_be_written_is_the_upstreams_fault() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}

    with pytest.raises(UpstreamMisbehaved):
        encoded(fitted(text("said", structuredContent=deep), NEWEST))


def test_refusal_says_one_text_and_one_code() -> None:
    class Broken(GatewayError):
        code = "broken"

    assert refusal(Broken("It broke."), TITLED) == {
        "content": [{"type": "text", "text": "It broke."}],
        "isError": True,
        "_meta": {"dev.toolcrib/refusal": {"code": "broken"}},
    }
