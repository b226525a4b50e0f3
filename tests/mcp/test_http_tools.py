"""Tools of an HTTP API, from a pack over MCP to the upstream and back, in both eras."""

import pytest

from gateway.mcp.models import ToolCall
from tests.conftest import Person
from tests.mcp.conftest import Bench, PackUp, newest_row, rows, the_row
from tests.toolsets.adapters.http.recording import Recorder, response
from toolsets.connecting import connect
from toolsets.models import ToolSet
from toolsets.secrets import store_secret
from toolsets.writing import change_tool, create_tool, delete_tool

FISH = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


@pytest.fixture
def bench(pack_up: PackUp, alice: Person, upstream: Recorder) -> Bench:
    """An HTTP API with the hand-written tool `get_fish`, in a pack."""
    tool_set = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": upstream.url("/v1"), "headers": {"X-Set": "1"}},
        actor=alice.actor,
    )
    create_tool(
        tool_set,
        name="get_fish",
        description="Gets a fish.",
        parameters=FISH,
        config={"path": "/fish/{{ id }}"},
        actor=alice.actor,
    )
    upstream.reply = lambda _: response('{"name": "cod"}', media_type="application/json")  # fmt: skip
    return pack_up(tool_set)


def test_hand_written_tool_is_listed(bench: Bench) -> None:
    (tool,) = bench.agent.tools()

    assert tool["name"] == "get_fish"
    assert tool["description"] == "Gets a fish."
    assert tool["inputSchema"] == FISH
    assert tool["annotations"]["readOnlyHint"] is True


def test_hand_written_tool_is_called_and_recorded(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    outcome = bench.call(era, "get_fish", id="a/b")

    assert outcome.text == '{"name": "cod"}'
    assert outcome.result["structuredContent"] == {"name": "cod"}
    assert upstream.request.line == b"GET /v1/fish/a%2Fb HTTP/1.1"
    assert upstream.request.header("x-set") == "1"
    row = the_row()
    assert (row.state, row.code, row.reached_upstream) == (
        ToolCall.State.SUCCEEDED,
        "",
        True,
    )
    assert row.tool_id == bench.tool("get_fish").pk


def test_failure_of_the_upstream_is_told_and_recorded(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    upstream.reply = lambda _: response("no such fish", status="404 Not Found")

    outcome = bench.call(era, "get_fish", id="1")

    assert outcome.is_error
    assert outcome.text == (
        "The upstream answered with HTTP status 404 (Not Found).\nno such fish"
    )
    assert the_row().state == ToolCall.State.FAILED


def test_arguments_that_make_no_request_are_refused(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    outcome = bench.call(era, "get_fish", id="..")

    assert outcome.refusal == "request_refused"
    assert upstream.requests == []
    row = the_row()
    assert (row.state, row.reached_upstream) == (ToolCall.State.REFUSED, False)


def test_arguments_are_checked_against_the_parameters(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    assert bench.call(era, "get_fish", id=1).refusal == "invalid_arguments"
    assert upstream.requests == []


def test_missing_secret_is_named_and_works_once_it_is_there(
    bench: Bench, upstream: Recorder, era: str
) -> None:
    config = {"path": "/fish/{{ id }}", "headers": {"X-Key": "${KEY}"}}
    operator = bench.operator
    change_tool(bench.tool("get_fish"), config=config, actor=operator.actor)

    missing = bench.call(era, "get_fish", id="1")
    store_secret(
        bench.workspace,
        name="KEY",
        value="s3cret",
        tool_set=bench.tool_set,
        actor=operator.actor,
    )
    there = bench.call(era, "get_fish", id="1")
    store_secret(
        bench.workspace,
        name="KEY",
        value="rotated",
        tool_set=bench.tool_set,
        actor=operator.actor,
    )
    bench.call(era, "get_fish", id="1")

    assert missing.refusal == "missing_secret"
    assert "X-Key needs the secret KEY" in missing.text
    assert not there.is_error
    assert [sent.header("x-key") for sent in upstream.requests] == ["s3cret", "rotated"]
    assert [row.reached_upstream for row in rows()] == [False, True, True]


def test_secret_of_one_tool_does_not_stop_another(
    bench: Bench, upstream: Recorder
) -> None:
    create_tool(
        bench.tool_set,
        name="keyed",
        config={"headers": {"X-Key": "${KEY}"}},
        actor=bench.operator.actor,
    )

    assert bench.agent.call("keyed").refusal == "missing_secret"
    assert not bench.agent.call("get_fish", id="1").is_error


def test_edit_takes_effect_on_the_next_call(bench: Bench, upstream: Recorder) -> None:
    tool = bench.tool("get_fish")
    bench.agent.call("get_fish", id="1")

    change_tool(
        tool,
        config={"requestMethod": "DELETE", "path": "/f/{{ id }}"},
        actor=bench.operator.actor,
    )
    bench.agent.call("get_fish", id="1")
    delete_tool(tool, actor=bench.operator.actor)
    gone = bench.agent.call("get_fish", id="1")

    assert [r.line for r in upstream.requests] == [
        b"GET /v1/fish/1 HTTP/1.1",
        b"DELETE /v1/f/1 HTTP/1.1",
    ]
    assert gone.error["data"]["code"] == "unauthorized_tool"
    assert newest_row().code == "unauthorized_tool"


def test_image_reaches_the_agent(bench: Bench, upstream: Recorder, era: str) -> None:
    upstream.reply = lambda _: response(b"\x89PNG", media_type="image/png")

    (block,) = bench.call(era, "get_fish", id="1").result["content"]

    assert block == {"type": "image", "data": "iVBORw==", "mimeType": "image/png"}


def test_file_reaches_the_agent(bench: Bench, upstream: Recorder, era: str) -> None:
    upstream.reply = lambda _: response(b"%PDF", media_type="application/pdf")

    (block,) = bench.call(era, "get_fish", id="1").result["content"]

    assert block["resource"]["blob"] == "JVBERg=="


@pytest.mark.parametrize("told", [{"MAX_RESULT_BYTES": 100}])
def test_answer_that_is_too_large_is_a_clear_error(
    bench: Bench, upstream: Recorder
) -> None:
    upstream.reply = lambda _: response(b"x" * 101)

    assert bench.agent.call("get_fish", id="1").refusal == "result_too_large"
