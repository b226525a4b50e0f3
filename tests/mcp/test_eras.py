"""What each revision may say, and what it is answered, byte by byte."""

import json
from typing import Any

import pytest

from tests.mcp.agents import (
    CAPABILITIES,
    MODERN,
    VERSION,
    Agent,
    handshake,
    legacy,
    modern,
    modern_headers,
)
from tests.mcp.conftest import Bench, rows
from tests.mcp.upstreams import Seen
from toolpacks.packing import detach

OLD = "2025-03-26"


@pytest.fixture
def agent(bench: Bench) -> Agent:
    return bench.agent


# --- the handshake -----------------------------------------------------------------------------------------------


def test_handshake_agrees_on_a_version(agent: Agent, subtests: pytest.Subtests) -> None:
    for wanted, agreed in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1.0", "2025-11-25"),
    ]:
        with subtests.test(wanted=wanted, agreed=agreed):
            answer = agent.legacy("initialize", handshake(wanted))

            result = answer.json()["result"]
            assert result["protocolVersion"] == agreed
            assert result["capabilities"] == {"tools": {"listChanged": True}}
            assert result["serverInfo"]["name"] == "toolcrib"
            assert answer.headers["mcp-session-id"].isascii()


def test_handshake_without_a_version_is_refused(agent: Agent) -> None:
    answer = agent.legacy("initialize", {"capabilities": {}})

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602


def test_session_carries_what_was_agreed(agent: Agent) -> None:
    outcome = agent.initialized("2025-06-18").call("echo", "legacy", text="a")

    assert not outcome.is_error
    assert (rows()[0].protocol_version, rows()[0].client) == (
        "2025-06-18",
        "tester/1",
    )


def test_request_without_a_session_is_served(agent: Agent) -> None:
    assert not agent.call("echo", "legacy", text="a").is_error
    assert rows()[0].protocol_version == OLD


def test_version_may_be_named_by_header_alone(agent: Agent) -> None:
    agent.legacy(
        "tools/call",
        {"name": "echo", "arguments": {"text": "a"}},
        **{"MCP-Protocol-Version": "2025-11-25"},
    )

    assert rows()[0].protocol_version == "2025-11-25"


def test_session_that_does_not_open_is_not_found(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for method in ["POST", "GET", "DELETE"]:
        for session in ["forged", "x" * 4000, "gAAAAABqforged=="]:
            with subtests.test(method=method, session=session):
                answer = agent.send(
                    legacy("tools/list"),
                    method=method,
                    headers={"Mcp-Session-Id": session},
                )

                assert answer.status_code == 404
                assert answer.json()["code"] == "session_not_found"


def test_session_of_another_caller_is_not_found(bench: Bench) -> None:
    session = bench.agent_with().initialized().session

    answer = bench.agent.legacy("tools/list", **{"Mcp-Session-Id": session})

    assert answer.status_code == 404


def test_initialize_with_a_stale_session_starts_anew(agent: Agent) -> None:
    answer = agent.legacy(
        "initialize", handshake("2025-11-25"), **{"Mcp-Session-Id": "forged"}
    )

    assert answer.status_code == 200


def test_ping_is_answered_in_the_handshake_eras_only(agent: Agent) -> None:
    assert agent.legacy("ping").json()["result"] == {}
    assert agent.modern("ping").status_code == 404


def test_unknown_method_of_the_handshake_eras_is_answered_with_200(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for method in ["nonsense", "prompts/list", "server/discover"]:
        with subtests.test(method=method):
            answer = agent.legacy(method)

            assert answer.status_code == 200
            assert answer.json()["error"]["code"] == -32601


def test_notifications_and_responses_are_accepted(agent: Agent) -> None:
    session = agent.initialized()

    initialized = session.legacy("notifications/initialized", id=None)
    unknown = session.legacy("notifications/unheard_of", {"a": 1}, id=None)
    answered = session.send({"jsonrpc": "2.0", "id": 1, "result": {}})

    for answer in (initialized, unknown, answered):
        assert (answer.status_code, answer.content) == (202, b"")


def test_unsupported_version_of_a_get_is_refused(agent: Agent) -> None:
    answer = agent.send(method="GET", headers={"MCP-Protocol-Version": MODERN})

    assert answer.status_code == 400


# --- 2026-07-28 --------------------------------------------------------------------------------------------------


def test_discovery_names_versions_and_capabilities(agent: Agent) -> None:
    result = agent.modern("server/discover").json()["result"]

    assert result["supportedVersions"] == [MODERN]
    assert result["capabilities"] == {"tools": {"listChanged": True}}
    assert (result["ttlMs"], result["cacheScope"]) == (0, "private")
    assert result["resultType"] == "complete"


def test_unknown_method_of_the_newest_era_is_not_found(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for method in ["nonsense", "initialize", "resources/list"]:
        with subtests.test(method=method):
            answer = agent.modern(method, handshake("2025-11-25"))

            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == -32601


def test_headers_that_disagree_with_the_body_are_refused(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    headers: Any
    for headers in [
        {"Mcp-Method": None},
        {"Mcp-Method": "tools/call"},
        {"Mcp-Method": "Tools/List"},
        {"MCP-Protocol-Version": None},
        {"MCP-Protocol-Version": "2025-11-25"},
    ]:
        with subtests.test(headers=headers):
            answer = agent.modern("tools/list", headers=headers)

            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == -32020
            assert answer.json()["id"] == 1


def test_call_whose_name_header_disagrees_is_refused_before_anything(
    bench: Bench, seen: Seen, subtests: pytest.Subtests
) -> None:
    for name in [None, "progress", "=?base64?cHJvZ3Jlc3M=?="]:
        with subtests.test(name=name):
            answer = bench.agent.modern(
                "tools/call",
                {"name": "echo", "arguments": {"text": "a"}},
                headers={"Mcp-Name": name},
            )

            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
            assert seen.calls == []


def test_unsupported_version_is_refused_with_the_supported_ones(agent: Agent) -> None:
    message = modern("tools/list", {"_meta": {VERSION: "1900-01-01"}})
    headers = modern_headers(message) | {"MCP-Protocol-Version": "1900-01-01"}

    answer = agent.send(message, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32022
    assert answer.json()["error"]["data"]["supported"] == [MODERN]


def test_envelope_that_lacks_a_field_is_refused(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for missing in [VERSION, CAPABILITIES]:
        with subtests.test(missing=missing):
            message = modern("tools/list")
            del message["params"]["_meta"][missing]

            answer = agent.send(message, headers=modern_headers(message))

            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)


def test_request_without_any_envelope_is_refused(agent: Agent) -> None:
    answer = agent.legacy("tools/list", **{"MCP-Protocol-Version": MODERN})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)


def test_session_header_is_ignored_in_the_newest_era(agent: Agent) -> None:
    answer = agent.modern("tools/list", headers={"Mcp-Session-Id": "forged"})

    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


def test_call_without_name_or_with_odd_arguments_is_invalid(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    params: Any
    for params in [
        {},
        {"name": 5},
        {"name": "echo", "arguments": []},
        {"name": "echo", "arguments": "{}"},
    ]:
        with subtests.test(params=params):
            answer = agent.modern("tools/call", params)

            assert answer.status_code == 400
            assert answer.json()["error"]["code"] in {-32602, -32020}
            assert rows() == []


def test_list_has_one_page(agent: Agent) -> None:
    answer = agent.modern("tools/list", {"cursor": "2"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)


# --- batches -----------------------------------------------------------------------------------------------------


def echo(id: Any, text: str = "a") -> dict[str, Any]:
    return legacy("tools/call", {"name": "echo", "arguments": {"text": text}}, id=id)


def test_batch_is_answered_message_by_message(agent: Agent) -> None:
    session = agent.initialized(OLD)
    batch = [
        echo(1, "one"),
        legacy("notifications/initialized", id=None),
        legacy("tools/list", id="two"),
        legacy("nonsense", id=3),
        legacy("initialize", handshake(OLD), id=4),
        "no message",
        {"jsonrpc": "2.0", "id": 9, "result": {}},
    ]

    answers = {a["id"]: a for a in session.send(batch).json()}

    assert "one" in answers[1]["result"]["content"][0]["text"]
    assert len(answers["two"]["result"]["tools"]) == 6
    assert answers[3]["error"]["code"] == -32601
    assert answers[4]["error"]["code"] == -32600
    assert answers[None]["error"]["code"] == -32600
    assert len(answers) == 5


def test_calls_of_a_batch_are_recorded_each(agent: Agent) -> None:
    agent.initialized(OLD).send([echo(1), echo(2)])

    assert [row.state for row in rows()] == ["succeeded", "succeeded"]
    assert all(row.argument_bytes > 0 for row in rows())


def test_batch_without_requests_is_accepted(agent: Agent) -> None:
    answer = agent.send([legacy("notifications/initialized", id=None)] * 3)

    assert (answer.status_code, answer.content) == (202, b"")


def test_batch_holds_up_to_twenty_messages(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for size, status in [(0, 400), (20, 200), (21, 400)]:
        with subtests.test(size=size, status=status):
            batch = [legacy("ping", id=n) for n in range(size)]

            assert agent.send(batch).status_code == status


def test_later_revisions_have_no_batches(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for version in ["2025-06-18", "2025-11-25"]:
        with subtests.test(version=version):
            answer = agent.initialized(version).send([legacy("ping")])

            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


def test_newest_revision_has_no_batches(agent: Agent) -> None:
    message = modern("tools/list")

    answer = agent.send([message], headers=modern_headers(message))

    assert answer.status_code == 400


def test_batch_sees_what_is_true_now(bench: Bench) -> None:
    agent = bench.agent
    assert agent.send([legacy("tools/list")]).json()[0]["result"]["tools"]

    detach(bench.pack, bench.tool_set, actor=bench.operator.actor)

    assert agent.send([legacy("tools/list")]).json()[0]["result"]["tools"] == []


# --- bytes -------------------------------------------------------------------------------------------------------


def test_what_is_not_json_is_a_parse_error(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for body in [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        json.dumps(legacy("x", {"a": json.loads("[" * 300 + "]" * 300)})).encode(),
        b"NaN",
    ]:
        with subtests.test(body=body):
            answer = agent.send(body)

            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32700)


def test_what_is_no_message_is_an_invalid_request(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for message in [
        "text",
        5,
        None,
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": [1], "method": "ping"},
    ]:
        with subtests.test(message=message):
            answer = agent.send(message)

            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


def test_message_that_names_no_method_is_refused_under_its_own_id(
    agent: Agent,
) -> None:
    answer = agent.send({"jsonrpc": "2.0", "id": "mine", "method": 5})

    assert (answer.status_code, answer.json()["id"]) == (400, "mine")


def test_params_that_are_no_object_are_invalid(
    agent: Agent, subtests: pytest.Subtests
) -> None:
    for params in [[], "x", 5]:
        with subtests.test(params=params):
            answer = agent.legacy("tools/list", params)

            assert answer.json()["error"]["code"] == -32602


def test_ids_come_back_as_they_were(agent: Agent) -> None:
    for given in ("a", "", "世", 0, -1, 2**53):
        assert agent.legacy("ping", id=given).json()["id"] == given


def test_body_over_the_bound_is_too_large(agent: Agent) -> None:
    answer = agent.send(b'"' + b"x" * (4 * 1024 * 1024) + b'"')

    assert answer.status_code == 413
    assert answer.json()["code"] == "request_too_large"


def test_media_types_are_checked(agent: Agent, subtests: pytest.Subtests) -> None:
    headers: Any
    for headers, status in [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/json"}, 200),
        ({"Accept": "text/event-stream"}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": None}, 200),
    ]:
        with subtests.test(headers=headers, status=status):
            message = legacy("ping")

            assert agent.send(message, headers=headers).status_code == status


def test_client_that_takes_only_events_gets_its_answer_as_an_event(
    agent: Agent,
) -> None:
    message = echo(1)

    answer = agent.send(message, headers={"Accept": "text/event-stream"})

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.startswith("event: message\ndata: {")


def test_other_methods_are_not_allowed(agent: Agent, subtests: pytest.Subtests) -> None:
    for method in ["PUT", "PATCH", "OPTIONS", "HEAD"]:
        with subtests.test(method=method):
            answer = agent.send(method=method)

            assert answer.status_code == 405
            assert answer.headers["allow"] == "POST, GET, DELETE"


def test_get_opens_streams_and_nothing_else(agent: Agent) -> None:
    answer = agent.send(method="GET", headers={"Accept": "application/json"})

    assert answer.status_code == 406
