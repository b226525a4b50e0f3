"""Tool calls through the gateway: agents of both eras, upstreams of both eras, and the rows they leave."""

import asyncio
import json
import logging

import pytest
from mcp import MCPError

from gateway.mcp.models import Process
from tests.conftest import Person
from tests.mcp.agents import MODERN
from tests.mcp.conftest import Bench, SetUp, rows, sdk_client, the_row
from tests.mcp.upstreams import Seen, scripted, text
from tests.toolsets.adapters.forwarding import Post, Scripted
from tests.upstreams import tool
from toolpacks.packing import attach, detach, set_prefix
from toolsets.connecting import change
from toolsets.curating import omit, require_approval
from toolsets.secrets import store_secret

ERAS = pytest.mark.parametrize("era", [MODERN, "handshake"])


@ERAS
def test_call_is_answered_by_the_upstream(either_bench: Bench, era: str) -> None:
    outcome = either_bench.agent.call("echo", era, text="hello")

    assert outcome.status == 200
    assert outcome.response.headers["content-type"] == "application/json"
    assert json.loads(outcome.text) == {"tool": "echo", "arguments": {"text": "hello"}}


def test_row_tells_who_called_what_and_how_it_went(bench: Bench) -> None:
    bench.agent.modern(
        "tools/call",
        {"name": "echo", "arguments": {"text": "a"}},
        headers={"X-Request-Id": "r1", "X-Api-Key": "hidden"},
    )

    row, tool = the_row(), bench.tool("echo")
    assert (row.state, row.code, row.reached_upstream) == ("succeeded", "", True)
    assert (row.workspace_id, row.pack_id) == (bench.workspace.pk, str(bench.pack.pk))
    assert (row.registered_user_id, row.tool_set_id) == (
        bench.user.pk,
        bench.tool_set.pk,
    )
    assert (row.tool_id, row.tool_name) == (tool.pk, "echo")
    assert len(row.fingerprint) == 64
    assert (row.protocol_version, row.client) == (MODERN, "tester/1")
    assert row.headers == {"x-request-id": "r1", "x-api-key": "***"}
    assert row.process_id == Process.objects.get().pk
    assert row.argument_bytes > 100
    assert row.result_bytes > 50
    assert row.upstream_ms is not None
    assert row.total_ms is not None
    assert 0 < row.upstream_ms < row.total_ms
    assert row.finished_at is not None
    assert row.started_at < row.finished_at


@ERAS
def test_result_that_is_an_error_is_passed_on_and_recorded_as_failed(
    set_up: SetUp, era: str
) -> None:
    bench = set_up(scripted(lambda _: text("no such file", isError=True)))

    outcome = bench.agent.call("echo", era)

    assert outcome.is_error
    assert outcome.text == "no such file"
    assert (the_row().state, the_row().code) == ("failed", "tool_error")
    assert the_row().reached_upstream


# --- refused calls reach nothing, and the row says so -----------------------------------------------------------------


def assert_nothing_was_sent(seen: Seen, code: str) -> None:
    assert seen.calls == []
    row = the_row()
    assert (row.state, row.code, row.reached_upstream) == ("refused", code, False)


@pytest.mark.parametrize(("era", "status"), [(MODERN, 403), ("handshake", 200)])
def test_tool_that_is_not_on_the_surface_is_unauthorized(
    bench: Bench, seen: Seen, era: str, status: int
) -> None:
    outcome = bench.agent.call("unheard_of", era)

    assert outcome.status == status
    assert outcome.response.headers["content-type"] == "application/json"
    assert outcome.error["code"] == -32602
    assert outcome.error["data"] == {"code": "unauthorized_tool", "status": 403}
    assert_nothing_was_sent(seen, "unauthorized_tool")


@pytest.mark.parametrize("name", ["x" * 3000, "a\0b"])
def test_odd_names_are_recorded_as_far_as_they_fit(bench: Bench, name: str) -> None:
    answer = bench.agent.legacy("tools/call", {"name": name})

    assert answer.json()["error"]["data"]["code"] == "unauthorized_tool"
    assert the_row().tool_name == name.replace("\0", "")[:255]


def test_tool_outside_the_pack_looks_as_if_it_did_not_exist(bench: Bench) -> None:
    tools = [t for t in bench.tool_set.tools.all() if t.name != "fail"]
    attach(bench.pack, bench.tool_set, tools=tools, actor=bench.operator.actor)

    outside = bench.agent.call("fail")
    missing = bench.agent.call("miss")

    assert outside.response.content == missing.response.content


@ERAS
def test_arguments_that_do_not_fit_come_back_as_a_result(
    bench: Bench, seen: Seen, era: str
) -> None:
    outcome = bench.agent.call("echo", era, text=5)

    assert outcome.status == 200
    assert outcome.refusal == "invalid_arguments"
    assert "text: " in outcome.text
    assert "call again" in outcome.text
    assert_nothing_was_sent(seen, "invalid_arguments")


def test_tool_whose_schema_cannot_be_checked_is_not_called(set_up: SetUp) -> None:
    upstream = scripted(
        lambda _: text("done"),
        tools=[
            tool(
                "outside",
                inputSchema={"type": "object", "$ref": "http://127.0.0.1:1/x.json"},
            )
        ],
    )
    bench = set_up(upstream)

    outcome = bench.agent.call("outside")

    assert outcome.refusal == "schema_unusable"
    assert "tools/call" not in upstream.rpcs
    assert not the_row().reached_upstream


@ERAS
def test_tool_that_needs_approval_is_refused(
    bench: Bench, seen: Seen, era: str
) -> None:
    require_approval([bench.tool("echo")], True, actor=bench.operator.actor)

    assert bench.agent.call("echo", era, text="a").refusal == "approval_required"
    assert_nothing_was_sent(seen, "approval_required")


def test_missing_secret_is_named_before_anything_is_sent(
    bench: Bench, seen: Seen
) -> None:
    adapter = {**bench.tool_set.adapter, "headers": {"X-Key": "${NOT_THERE}"}}
    change(bench.tool_set, adapter=adapter, actor=bench.operator.actor)

    outcome = bench.agent.call("echo", text="a")

    assert outcome.refusal == "missing_secret"
    assert "NOT_THERE" in outcome.text
    assert_nothing_was_sent(seen, "missing_secret")


# --- arguments that are repeated in headers ---------------------------------------------------------------------------

REGION = {
    "type": "object",
    "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
}


def regional() -> Scripted:
    return scripted(
        lambda post: text(post.headers.get("mcp-param-region", "none")),
        tools=[tool("query", inputSchema=REGION)],
    )


@pytest.mark.parametrize(
    ("value", "header"),
    [("eu", "eu"), ("世", "=?base64?5LiW?="), (" x ", "=?base64?IHgg?=")],
)
def test_repeated_argument_is_checked_and_sent_on(
    set_up: SetUp, value: str, header: str
) -> None:
    bench = set_up(regional())
    params = {"name": "query", "arguments": {"region": value}}

    answer = bench.agent.modern(
        "tools/call", params, headers={"Mcp-Param-Region": header}
    )

    assert answer.json()["result"]["content"][0]["text"] == header


@pytest.mark.parametrize("header", [None, "us", "=?base64?***?="])
def test_repeated_argument_that_disagrees_is_refused(
    set_up: SetUp, header: str | None
) -> None:
    upstream = regional()
    bench = set_up(upstream)
    params = {"name": "query", "arguments": {"region": "eu"}}

    answer = bench.agent.modern(
        "tools/call", params, headers={"Mcp-Param-Region": header}
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
    assert "tools/call" not in upstream.rpcs
    assert (the_row().state, the_row().code) == ("refused", "protocol_error")


def test_argument_of_an_older_caller_is_repeated_for_the_upstream(
    set_up: SetUp,
) -> None:
    bench = set_up(regional())

    assert bench.agent.call("query", "handshake", region="eu").text == "eu"
    assert bench.agent.call("query", "handshake").text == "none"


# --- edits take effect on the next call -------------------------------------------------------------------------------


def test_tool_removed_from_the_pack_is_refused_on_the_next_call(
    bench: Bench, seen: Seen
) -> None:
    assert not bench.agent.call("echo", text="a").is_error
    detach(bench.pack, bench.tool_set, actor=bench.operator.actor)

    assert bench.agent.call("echo", text="b").status == 403
    assert seen.calls == ["echo"]


def test_omitted_tool_is_refused_on_the_next_call(bench: Bench, seen: Seen) -> None:
    bench.agent.call("echo", text="a")
    omit([bench.tool("echo")], actor=bench.operator.actor)

    assert bench.agent.call("echo", text="b").status == 403
    assert "echo" not in bench.agent.tool_names()
    assert seen.calls == ["echo"]


def test_new_prefix_names_the_tools_on_the_next_list(bench: Bench) -> None:
    bench.agent.tools()
    set_prefix(bench.pack, bench.tool_set, prefix="kit", actor=bench.operator.actor)

    assert "kit__echo" in bench.agent.tool_names()
    assert not bench.agent.call("kit__echo", text="a").is_error


# --- the SDK's client -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy", MODERN])
def test_sdk_client_lists_calls_and_outlives_a_refused_call(
    either_bench: Bench, mode: str
) -> None:
    async def scene() -> list[str]:
        async with asyncio.timeout(30), sdk_client(either_bench.agent, mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            first = await client.call_tool("echo", {"text": "one"})
            with pytest.raises(MCPError, match="not available here"):
                await client.call_tool("unheard_of", {})
            second = await client.call_tool("echo", {"text": "two"})
            said = [result.content[0].text for result in (first, second)]  # type: ignore[union-attr]
            return [*names, *said]

    *names, one, two = asyncio.run(scene())

    assert sorted(names) == ["ask", "big", "echo", "fail", "hang", "progress"]
    assert "one" in one
    assert "two" in two


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRET = "correct-horse-battery"


@pytest.mark.parametrize("era", [MODERN, "handshake"])
def test_secret_reaches_the_upstream_and_nobody_else(
    set_up: SetUp, alice: Person, caplog: pytest.LogCaptureFixture, era: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    caplog.set_level(logging.DEBUG, logger="toolsets")
    store_secret(alice.workspace, name="K", value=SECRET, actor=alice.actor)
    upstream = scripted(answer_or_fail)
    bench = set_up(upstream, adapter={"headers": {"X-Key": "Bearer ${K}"}})
    agent = bench.agent

    answers = [
        agent.call("echo", era).response,
        agent.call("echo", era, text="fail").response,
        agent.call("echo", era, text=5).response,
        agent.legacy("tools/list"),
    ]

    assert upstream.posts[-1].headers["x-key"] == f"Bearer {SECRET}"
    told = "".join(a.text + str(a.headers) for a in answers)
    kept = "".join(str(vars(row)) for row in rows())
    logged = "".join(str(vars(record)) for record in caplog.records)
    for text_ in (told, kept, logged):
        assert SECRET not in text_
        assert agent.token not in text_


def answer_or_fail(post: Post) -> object:
    if post.message["params"]["arguments"].get("text") == "fail":
        return 500, {}, b""
    return text("done")


def test_changed_secret_is_sent_with_the_next_call(
    set_up: SetUp, alice: Person
) -> None:
    store_secret(alice.workspace, name="K", value="old", actor=alice.actor)
    bench = set_up(
        scripted(lambda post: text(post.headers["x-key"])),
        adapter={"headers": {"X-Key": "${K}"}},
    )
    assert bench.agent.call("echo").text == "old"

    store_secret(alice.workspace, name="K", value="new", actor=alice.actor)

    assert bench.agent.call("echo").text == "new"
