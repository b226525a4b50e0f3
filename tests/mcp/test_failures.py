"""Upstreams that fail, each in its own way: a result that says so, a row that tells the truth, and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.mcp.agents import MODERN
from tests.mcp.conftest import Bench, SetUp, newest_row, rows, the_row, wait_until
from tests.mcp.upstreams import HANDSHAKE, Seen, scripted, text
from tests.toolsets.adapters.forwarding import Post, as_json, error, result
from tests.upstreams import Upstream

ERAS = pytest.mark.parametrize("era", [MODERN, "handshake"])


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def raw(post: Post, member: bytes) -> Any:
    body = b'{"jsonrpc":"2.0","id":%d,"result":%s}' % (post.message["id"], member)
    return 200, {"content-type": "application/json"}, body


CASES = {
    "error": (lambda p: as_json(error(p, -32050)), "upstream_error"),
    "error status": (
        lambda p: as_json(error(p, -32603), status=500),
        "upstream_error",
    ),
    "unauthorized": (lambda _: (401, {}, b""), "upstream_unauthorized"),
    "forbidden": (lambda _: (403, {}, b""), "upstream_unauthorized"),
    "overloaded": (lambda _: (429, {}, b""), "upstream_failed"),
    "broken": (lambda _: (502, {}, b"<html>"), "upstream_failed"),
    "redirect": (
        lambda _: (307, {"location": "http://127.0.0.1:1/"}, b""),
        "upstream_misbehaved",
    ),
    "html": (
        lambda _: (200, {"content-type": "text/html"}, b"<html>"),
        "upstream_misbehaved",
    ),
    "no json": (
        lambda _: (200, {"content-type": "application/json"}, b"{"),
        "upstream_misbehaved",
    ),
    "another answer": (
        lambda p: as_json({"jsonrpc": "2.0", "id": 999, "result": text("x")}),
        "upstream_misbehaved",
    ),
    "no result": (
        lambda p: as_json({"jsonrpc": "2.0", "id": p.message["id"]}),
        "upstream_misbehaved",
    ),
    "no content": (lambda p: as_json(result(p)), "upstream_misbehaved"),
    "odd content": (
        lambda p: as_json(result(p, content=[{"type": {}}])),
        "upstream_misbehaved",
    ),
    "deep": (
        lambda p: raw(p, b'{"content":[],"structuredContent":%s}' % deep(500)),
        "upstream_misbehaved",
    ),
    "too deep to read": (lambda p: raw(p, deep(3000)), "upstream_misbehaved"),
    "ended early": (
        lambda _: (200, {"content-type": "text/event-stream"}, b": hi\n\n"),
        "upstream_lost",
    ),
}


@ERAS
def test_each_failure_comes_back_as_a_result_with_its_code(
    set_up: SetUp, era: str, subtests: pytest.Subtests
) -> None:
    now: list[Any] = []
    bench = set_up(scripted(lambda post: now[-1](post)))

    for name, (answer, code) in CASES.items():
        with subtests.test(name=name):
            now.append(answer)

            outcome = bench.agent.call("echo", era)

            assert outcome.status == 200
            assert outcome.refusal == code
            row = newest_row()
            assert (row.state, row.code, row.reached_upstream) == ("failed", code, True)


def test_failures_of_an_upstream_of_the_handshake_era_have_the_same_codes(
    set_up: SetUp, subtests: pytest.Subtests
) -> None:
    now: list[Any] = []
    bench = set_up(scripted(lambda post: now[-1](post), era=HANDSHAKE))

    for name, (answer, code) in CASES.items():
        with subtests.test(name=name):
            now.append(answer)

            assert bench.agent.call("echo").refusal == code


def test_structured_content_of_an_upstream_never_rides_on_a_refusal(
    set_up: SetUp,
) -> None:
    answer = {"content": [{"type": "odd"}], "structuredContent": {"a": 1}}
    bench = set_up(scripted(lambda _: answer))

    assert "structuredContent" not in bench.agent.call("echo").result


def test_upstream_that_is_gone_was_not_reached(set_up: SetUp) -> None:
    upstream = Upstream(scripted(lambda _: text("done")))
    bench = set_up(upstream)
    upstream.stop()

    outcome = bench.agent.call("echo")

    assert outcome.refusal == "upstream_unreachable"
    row = the_row()
    assert (row.state, row.reached_upstream) == ("failed", False)


def test_result_over_the_bound_is_too_large(set_up: SetUp) -> None:
    big = json.dumps(text("x" * 17_000_000)).encode()
    bench = set_up(scripted(lambda post: raw(post, big)))

    outcome = bench.agent.call("echo")

    assert outcome.refusal == "result_too_large"
    assert (the_row().state, the_row().result_bytes) == ("failed", 0)


def test_large_result_below_the_bound_arrives_whole(set_up: SetUp) -> None:
    bench = set_up(scripted(lambda _: text("x" * 3_000_000)))

    assert len(bench.agent.call("echo").text) == 3_000_000
    assert the_row().result_bytes > 3_000_000


def test_numbers_arrive_as_they_were(set_up: SetUp) -> None:
    numbers = [0, -1, 2**53, 2**63 - 1, 1.5, 1e300]
    bench = set_up(
        scripted(lambda p: text(json.dumps(p.message["params"]["arguments"])))
    )

    answer = bench.agent.modern(
        "tools/call", {"name": "echo", "arguments": {"n": numbers}}
    )

    said = answer.json()["result"]["content"][0]["text"]
    assert json.loads(said) == {"n": numbers}


@pytest.mark.parametrize("told", [{"CALL_TIMEOUT_SECONDS": 1}])
def test_call_that_takes_too_long_times_out(bench: Bench, seen: Seen) -> None:
    outcome = bench.agent.call("hang")
    while not seen.started.is_set():  # its time was over before it was there
        outcome = bench.agent.call("hang")

    assert outcome.refusal == "upstream_timed_out"
    assert seen.cancelled.wait(30)
    assert {row.state for row in rows()} == {"failed"}
    assert any(row.reached_upstream for row in rows())


@pytest.mark.parametrize("told", [{"CALLS_PER_TOOL_SET": 2}])
def test_tool_set_takes_no_more_than_its_share(bench: Bench, seen: Seen) -> None:
    with ThreadPoolExecutor(8) as together:
        calls = [together.submit(bench.agent.call, "hang") for _ in range(8)]
        wait_until(lambda: sum(c.done() for c in calls) == 5)
        seen.let_go.set()
        outcomes = [call.result() for call in calls]

    codes = [o.refusal for o in outcomes if o.is_error]
    assert codes == ["tool_set_busy"] * 5
    assert len(seen.calls) == 3
    states = sorted((row.state, row.reached_upstream) for row in rows())
    assert states == [("refused", False)] * 5 + [("succeeded", True)] * 3
