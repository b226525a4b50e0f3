"""Tools of an OpenAPI document, from a pack over MCP to the upstream and back, in both eras."""

import asyncio
from typing import Any

import pytest

from gateway.mcp.models import ToolCall
from tests.conftest import Person
from tests.mcp.conftest import Bench, PackUp, sdk_client, the_row
from tests.toolsets.adapters.http.recording import Recorder, response
from tests.toolsets.openapi.documents import document, operation, parameter
from toolsets.connecting import change, connect
from toolsets.models import ToolSet
from toolsets.sync import run_sync

FISH = {"type": "object", "properties": {"name": {"type": "string"}}}
PROMISED = {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}
ANSWERS = {"200": {"content": {"application/json": {"schema": FISH}}}}
PATHS = {
    "/fish/{id}": {
        "parameters": [parameter("id", "path", {"type": "string"})],
        "get": operation("getFish", summary="Get a fish", responses=ANSWERS),
    }
}


@pytest.fixture
def bench(pack_up: PackUp, alice: Person, upstream: Recorder) -> Bench:
    """The tools of a pasted document, in a pack."""
    tool_set = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={
            "document": document(PATHS),
            "baseUrl": upstream.url("/v1"),
            "headers": {"X-Set": "1"},
        },
        actor=alice.actor,
    )
    run_sync(tool_set.pk)
    upstream.reply = lambda _: response('{"name": "cod"}', media_type="application/json")  # fmt: skip
    return pack_up(tool_set)


def test_operation_is_listed(bench: Bench) -> None:
    (tool,) = bench.agent.tools()

    assert (tool["name"], tool["title"]) == ("getFish", "Get a fish")
    assert tool["inputSchema"]["required"] == ["id"]
    assert tool["outputSchema"] == PROMISED
    assert tool["annotations"]["readOnlyHint"] is True


def test_operation_is_called_and_recorded(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    outcome = bench.call(era, "getFish", id="a/b")

    assert outcome.result["structuredContent"] == {"name": "cod"}
    assert upstream.request.line == b"GET /v1/fish/a%2Fb HTTP/1.1"
    assert upstream.request.header("x-set") == "1"
    assert upstream.request.header("accept") == "application/json"
    assert the_row().state == ToolCall.State.SUCCEEDED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"name": 7, "id": 1}', 'name: 7 is not of types "null", "string"'),
        ("[1]", "it holds no JSON object"),
        ("", "it holds no JSON object"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_answer_that_is_not_as_promised_is_an_error_that_strict_clients_take(
    mode: str, body: str, said: str, bench: Bench, upstream: Recorder
) -> None:
    upstream.reply = lambda _: response(body, media_type="application/json")

    async def called() -> Any:
        async with sdk_client(bench.agent, mode) as client:
            await client.list_tools()
            return await client.call_tool("getFish", {"id": "1"})

    result = asyncio.run(called())

    assert (result.is_error, result.structured_content) == (True, None)
    assert said in result.content[0].text
    assert "Do not repeat the call" in result.content[0].text
    if body:
        assert result.content[1].text == body
    row = the_row()
    assert (row.state, row.code) == (ToolCall.State.FAILED, "unexpected_answer")
    assert len(upstream.requests) == 1


def test_answer_is_passed_on_as_it_came_to_clients_that_were_promised_nothing(
    bench: Bench, upstream: Recorder
) -> None:
    upstream.reply = lambda _: response("[1]", media_type="application/json")
    agent = bench.agent.initialized("2025-03-26")

    outcome = agent.call("getFish", "2025-03-26", id="1")

    assert (outcome.is_error, outcome.text) == (False, "[1]")
    assert the_row().state == ToolCall.State.SUCCEEDED


def test_large_answer_is_judged_too(bench: Bench, upstream: Recorder) -> None:
    names = ",".join('"x"' for _ in range(80_000))
    upstream.reply = lambda _: response(f'{{"name": [{names}]}}', media_type="application/json")  # fmt: skip

    outcome = bench.agent.call("getFish", id="1")

    assert outcome.refusal == "unexpected_answer"


def test_failure_of_the_api_needs_no_promised_object(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    upstream.reply = lambda _: response("no", status="404 Not Found")

    outcome = bench.call(era, "getFish", id="1")

    assert outcome.is_error
    assert "HTTP status 404" in outcome.text
    assert the_row().code == "tool_error"


def test_arguments_that_make_no_request_are_refused(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    outcome = bench.call(era, "getFish", id="..")

    assert outcome.refusal == "request_refused"
    assert upstream.requests == []
    assert not the_row().reached_upstream


def test_changed_address_is_not_called_before_it_is_synced(
    bench: Bench, upstream: Recorder
) -> None:
    set_now = ToolSet.objects.get(pk=bench.tool_set.pk)
    moved = {**set_now.adapter, "baseUrl": upstream.url("/v2")}
    change(set_now, adapter=moved, actor=bench.operator.actor)

    before = bench.agent.call("getFish", id="1")
    run_sync(set_now.pk)
    after = bench.agent.call("getFish", id="1")

    assert before.refusal == "request_refused"
    assert not after.is_error
    assert [r.line for r in upstream.requests] == [b"GET /v2/fish/1 HTTP/1.1"]
