"""What an upstream asks of the caller: relayed to whom it may be, in several rounds that are one call."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.mcp.agents import CAPABILITIES, Agent
from tests.mcp.conftest import Bench, SetUp, rows, the_row
from tests.mcp.upstreams import Seen, asking, elicitation, scripted, text
from tests.toolsets.adapters.forwarding import Post, Scripted, as_json, error
from toolsets.connecting import change

FORM: dict[str, Any] = {"elicitation": {"form": {}}}
SAMPLING = {"method": "sampling/createMessage", "params": {"messages": []}}
ROOTS = {"method": "roots/list"}
ACCEPTED = {"q0": {"action": "accept", "content": {"name": "Erin"}}}


def call(agent: Agent, capabilities: Mapping[str, Any] = FORM, **params: Any) -> Any:
    """The JSON-RPC response to a call of `ask`."""
    params = {"name": "ask", "arguments": {"text": "a"}, **params}
    return agent.modern("tools/call", params, capabilities=capabilities).json()


def going_on(result: Mapping[str, Any], **params: Any) -> dict[str, Any]:
    return {
        "inputResponses": ACCEPTED,
        "requestState": result["requestState"],
        **params,
    }


def asker(*rounds: Mapping[str, Any]) -> Scripted:
    """An upstream that answers the first calls with `rounds`, and then with the state it got back."""
    left = list(rounds)

    def answer(post: Post) -> Any:
        if left:
            return left.pop(0)
        return text(str(post.message["params"].get("requestState")))

    return scripted(answer, tools=[{"name": "ask", "inputSchema": {"type": "object"}}])


def calls_of(upstream: Scripted) -> list[dict[str, Any]]:
    return [p.message["params"] for p in upstream.posts if p.rpc == "tools/call"]


def test_question_and_answer_are_one_call(bench: Bench, seen: Seen) -> None:
    asked = call(bench.agent)["result"]

    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"]["q0"]["params"]["message"] == "Who?"
    assert "opaque" not in asked["requestState"]
    waiting = the_row()
    assert (waiting.state, waiting.code) == ("waiting", "input_required")
    assert waiting.finished_at is None

    answered = call(bench.agent, **going_on(asked))["result"]

    assert answered["content"][0]["type"] == "text"
    row = the_row()
    assert (row.pk, row.state, row.code, row.rounds) == (
        waiting.pk,
        "succeeded",
        "",
        2,
    )
    assert seen.calls == ["ask", "ask"]


def test_upstream_gets_its_own_state_and_the_answers_back(set_up: SetUp) -> None:
    upstream = asker(asking(elicitation("Who?"), state="theirs"))
    bench = set_up(upstream)

    asked = call(bench.agent)["result"]
    call(bench.agent, **going_on(asked))

    first, second = calls_of(upstream)
    assert "requestState" not in first
    assert second["requestState"] == "theirs"
    assert second["inputResponses"] == ACCEPTED


def test_upstream_without_state_gets_none(set_up: SetUp) -> None:
    upstream = asker(asking(elicitation("Who?")))
    bench = set_up(upstream)

    call(bench.agent, **going_on(call(bench.agent)["result"]))

    assert "requestState" not in calls_of(upstream)[1]


def test_call_may_take_many_rounds(set_up: SetUp) -> None:
    rounds = [asking(elicitation(f"Q{n}"), state=f"s{n}") for n in range(3)]
    bench = set_up(asker(*rounds))

    result = call(bench.agent)["result"]
    for _ in rounds:
        result = call(bench.agent, **going_on(result))["result"]

    assert result["content"][0]["text"] == "s2"
    assert (the_row().state, the_row().rounds) == ("succeeded", 4)


def test_upstream_that_asks_without_end_is_stopped(set_up: SetUp) -> None:
    upstream = asker(*[asking(elicitation("Again?"), state="s")] * 50)
    bench = set_up(upstream)

    result = call(bench.agent)["result"]
    while "requestState" in result:
        result = call(bench.agent, **going_on(result))["result"]

    assert result["isError"]
    assert len(calls_of(upstream)) == 21
    assert (the_row().state, the_row().code) == ("failed", "upstream_misbehaved")


def test_state_alone_is_a_round_of_its_own(set_up: SetUp) -> None:
    bench = set_up(asker(asking(state="later")))

    asked = call(bench.agent)["result"]

    assert "inputRequests" not in asked
    params = {"requestState": asked["requestState"]}
    assert call(bench.agent, **params)["result"]["content"][0]["text"] == "later"


def test_state_is_good_once(bench: Bench, seen: Seen) -> None:
    asked = call(bench.agent)["result"]
    call(bench.agent, **going_on(asked))

    again = call(bench.agent, **going_on(asked))

    assert again["error"]["code"] == -32602
    assert seen.calls == ["ask", "ask"]
    assert [row.state for row in rows()] == ["succeeded", "refused"]


def test_state_is_good_for_the_same_call_only(bench: Bench, seen: Seen) -> None:
    asked = call(bench.agent)["result"]
    other_key = bench.agent_with()

    refused = [
        call(bench.agent, **going_on(asked, arguments={"text": "other"})),
        call(bench.agent, **going_on(asked, name="echo")),
        call(bench.agent, **going_on(asked, requestState="forged")),
        call(bench.agent, **going_on(asked, requestState=5)),
        call(other_key, **going_on(asked)),
    ]

    assert [answer["error"]["code"] for answer in refused] == [-32602] * 5
    assert seen.calls == ["ask"]
    assert rows()[0].state == "waiting"


@pytest.mark.parametrize("responses", [[], "x", {"q0": "no object"}])
def test_answers_of_another_shape_are_invalid(bench: Bench, responses: Any) -> None:
    asked = call(bench.agent)["result"]

    answer = call(bench.agent, **going_on(asked, inputResponses=responses))

    assert answer["error"]["code"] == -32602


# --- callers that cannot be asked -------------------------------------------------------------------------------------


def test_caller_without_the_capability_is_told_what_was_asked(bench: Bench) -> None:
    result = call(bench.agent, {})["result"]

    assert result["isError"]
    assert "Who?" in result["content"][0]["text"]
    assert result["_meta"]["dev.toolcrib/refusal"]["code"] == "input_required"
    row = the_row()
    assert (row.state, row.code) == ("refused", "input_required")
    assert row.reached_upstream


@pytest.mark.parametrize("asked", [asking(elicitation("Who?")), asking(state="s")])
def test_caller_of_a_handshake_era_is_never_sent_a_question(
    set_up: SetUp, asked: dict[str, Any]
) -> None:
    bench = set_up(asker(asked))
    agent = bench.agent.initialized(elicitation={})

    outcome = agent.call("ask", "handshake")

    assert outcome.refusal == "input_required"


@pytest.mark.parametrize("request_", [SAMPLING, ROOTS])
def test_sampling_and_roots_are_off_unless_the_tool_set_allows_them(
    set_up: SetUp, request_: dict[str, Any]
) -> None:
    name = request_["method"].partition("/")[0]
    upstream = asker(asking(request_), asking(request_))
    bench = set_up(upstream)

    refused = call(bench.agent, {name: {}})["result"]
    change(bench.tool_set, interactions={name: True}, actor=bench.operator.actor)
    allowed = call(bench.agent, {name: {}})["result"]

    assert refused["isError"]
    assert allowed["resultType"] == "input_required"
    assert [p["_meta"][CAPABILITIES] for p in calls_of(upstream)] == [{}, {name: {}}]


@pytest.mark.parametrize(
    ("declared", "is_asked"),
    [
        ({"url": {}}, True),
        ({"form": {}, "url": {}}, True),
        ({"form": {}}, False),
        ({}, False),
    ],
)
def test_address_to_open_is_asked_of_callers_that_open_addresses(
    set_up: SetUp, declared: dict[str, Any], is_asked: bool
) -> None:
    question = elicitation("Sign in", mode="url", url="https://example.com")
    bench = set_up(asker(asking(question)))

    result = call(bench.agent, {"elicitation": declared})["result"]

    assert (result.get("resultType") == "input_required") is is_asked


def test_upstream_is_told_exactly_what_will_be_relayed(set_up: SetUp) -> None:
    upstream = asker()
    bench = set_up(upstream)
    declared = {
        "elicitation": {"form": {}, "url": {}},
        "sampling": {},
        "roots": {"listChanged": True},
        "extensions": {"com.example/x": {}},
        "experimental": {"y": {}},
    }

    call(bench.agent, declared)
    call(bench.agent, {"elicitation": True})
    bench.agent.call("ask", "handshake")

    told = [params["_meta"][CAPABILITIES] for params in calls_of(upstream)]
    assert told == [{"elicitation": {"form": {}, "url": {}}}, {}, {}]


def test_tool_set_that_allows_no_questions_is_told_so(set_up: SetUp) -> None:
    upstream = asker()
    bench = set_up(upstream, interactions={"elicitation": False})

    call(bench.agent)

    assert calls_of(upstream)[0]["_meta"][CAPABILITIES] == {}


@pytest.mark.parametrize(
    "asked",
    [
        {"resultType": "input_required"},
        {"resultType": "input_required", "inputRequests": [1]},
        {"resultType": "input_required", "inputRequests": {"a": 5}},
        {"resultType": "input_required", "inputRequests": {"a": {"method": "x/y"}}},
        {"resultType": "input_required", "requestState": 5},
    ],
)
def test_odd_question_is_the_upstreams_fault(
    set_up: SetUp, asked: dict[str, Any]
) -> None:
    bench = set_up(asker(asked))

    result = call(bench.agent)["result"]

    assert result["_meta"]["dev.toolcrib/refusal"]["code"] == "upstream_misbehaved"
    assert the_row().state == "failed"


# --- capabilities that an upstream misses -----------------------------------------------------------------------------


def missing(capability: str) -> Scripted:
    data: dict[str, Any] = {"requiredCapabilities": {capability: {}}}
    return scripted(
        lambda post: as_json(error(post, -32021, data=data), status=400),
        tools=[{"name": "ask", "inputSchema": {"type": "object"}}],
    )


def test_missing_capability_is_relayed_to_the_caller(set_up: SetUp) -> None:
    bench = set_up(missing("elicitation"))

    answer = bench.agent.modern("tools/call", {"name": "ask"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32021
    assert answer.json()["error"]["data"] == {
        "requiredCapabilities": {"elicitation": {}}
    }
    assert the_row().reached_upstream


def test_capability_that_the_operator_withholds_is_no_fault_of_the_caller(
    set_up: SetUp,
) -> None:
    bench = set_up(missing("sampling"))

    answer = call(bench.agent, {"sampling": {}})

    assert answer["result"]["_meta"]["dev.toolcrib/refusal"]["code"] == "upstream_error"


def test_older_caller_gets_a_missing_capability_as_a_result(set_up: SetUp) -> None:
    bench = set_up(missing("elicitation"))

    assert bench.agent.call("ask", "handshake").refusal == "upstream_error"
