"""Calls under way: progress, cancellation in each era's way, and clients that leave."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.asgi import Application
from tests.mcp.agents import MODERN, Agent, Outcome, legacy, modern, modern_headers
from tests.mcp.conftest import (
    Bench,
    newest_row,
    no_worker,
    rows,
    sdk_client,
    the_row,
    wait_until,
)
from tests.mcp.upstreams import Seen
from tests.upstreams import served

ERAS = pytest.mark.parametrize("era", [MODERN, "handshake"])


def request(era: str, name: str, token: Any = None) -> tuple[Any, dict[str, str]]:
    """The message and headers of a call, with a progress token where one is given."""
    params: dict[str, Any] = {"name": name, "arguments": {}}
    if token is not None:
        params["_meta"] = {"progressToken": token}
    if era != MODERN:
        return legacy("tools/call", params), {}
    message = modern("tools/call", params)
    return message, modern_headers(message)


# --- progress ---------------------------------------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize("token", ["mine", 0])
def test_progress_passes_under_the_callers_own_token(
    either_bench: Bench, era: str, token: Any
) -> None:
    message, headers = request(era, "progress", token)

    with either_bench.agent.stream(message, headers=headers) as stream:
        *news, answer = stream.rest()

    assert stream.response.headers["content-type"] == "text/event-stream"
    assert stream.response.headers["x-accel-buffering"] == "no"
    assert [n["method"] for n in news] == ["notifications/progress"] * 3
    assert {n["params"]["progressToken"] for n in news} == {token}
    assert [n["params"]["progress"] for n in news] == [1, 2, 3]
    assert news[0]["params"]["message"] == "step 1"
    assert answer["result"]["content"]


@ERAS
@pytest.mark.parametrize("token", [None, 1.5, {"a": 1}])
def test_without_a_token_there_is_no_progress(
    bench: Bench, era: str, token: Any
) -> None:
    message, headers = request(era, "progress", token)

    answer = bench.agent.send(message, headers=headers)

    assert answer.headers["content-type"] == "application/json"


def test_client_that_takes_no_events_gets_no_progress(bench: Bench) -> None:
    message, headers = request(MODERN, "progress", "mine")

    answer = bench.agent.send(
        message, headers={**headers, "Accept": "application/json"}
    )

    assert answer.json()["result"]["content"]


@pytest.mark.parametrize("mode", ["legacy", MODERN])
def test_sdk_client_hears_of_progress(either_bench: Bench, mode: str) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async def scene() -> None:
        async with (
            asyncio.timeout(30),
            sdk_client(either_bench.agent, mode) as client,
        ):
            await client.call_tool("progress", {}, progress_callback=hear)

    asyncio.run(scene())

    assert heard == [1, 2, 3]


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_closing_the_response_cancels_in_the_newest_era(
    either_bench: Bench, seen: Seen
) -> None:
    message, headers = request(MODERN, "hang")

    with either_bench.agent.sent(message, headers=headers):
        assert seen.started.wait(60)

    assert seen.cancelled.wait(60)
    wait_until(lambda: the_row().state == "interrupted")
    row = the_row()
    assert (row.code, row.reached_upstream) == ("cancelled_by_caller", True)
    assert row.finished_at is not None


def test_closing_a_stream_of_progress_cancels_too(bench: Bench, seen: Seen) -> None:
    message, headers = request(MODERN, "hang", "mine")

    with bench.agent.sent(message, headers=headers):
        assert seen.started.wait(60)

    assert seen.cancelled.wait(60)
    wait_until(lambda: the_row().state == "interrupted")


@pytest.mark.parametrize("token", [None, "mine"])
def test_lost_connection_of_a_handshake_era_lets_the_call_finish(
    bench: Bench, seen: Seen, token: str | None
) -> None:
    message, headers = request("handshake", "hang", token)

    with bench.agent.sent(message, headers=headers):
        assert seen.started.wait(60)
    assert not seen.cancelled.wait(0.3)
    assert the_row().state == "running"
    seen.let_go.set()

    wait_until(lambda: the_row().state == "succeeded")
    assert not seen.cancelled.is_set()


def test_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(
    bench: Bench,
) -> None:
    with bench.agent.sent({"a": 1}, headers={"Content-Length": "1000"}):
        pass

    assert not bench.agent.call("echo", text="a").is_error
    assert len(rows()) == 1


def test_client_that_leaves_while_a_large_answer_is_sent_is_not_missed(
    bench: Bench,
) -> None:
    message, headers = request(MODERN, "echo")
    message["params"]["arguments"]["text"] = "x" * 3_000_000

    with bench.agent.sent(message, headers=headers) as wire:
        assert wire.recv(1000)

    wait_until(lambda: the_row().state == "succeeded")
    assert not bench.agent.call("echo", text="a").is_error


# --- notifications/cancelled ------------------------------------------------------------------------------------------


@contextmanager
def hanging(agent: Agent, seen: Seen, id: Any = 1) -> Iterator[Future[Outcome]]:
    """A call that hangs, on its way."""
    with ThreadPoolExecutor(1) as thread:
        params = {"name": "hang", "arguments": {}}
        call = thread.submit(lambda: Outcome(agent.legacy("tools/call", params, id=id)))
        assert seen.started.wait(60)
        yield call
        seen.let_go.set()


def cancel(agent: Agent, id: Any = 1) -> int:
    params = {"requestId": id, "reason": "enough"}
    return agent.legacy("notifications/cancelled", params, id=None).status_code


@pytest.mark.parametrize("id", [1, "1", "a"])
def test_notification_cancels_the_call_of_its_session(
    either_bench: Bench, seen: Seen, id: Any
) -> None:
    agent = either_bench.agent.initialized()

    with hanging(agent, seen, id) as call:
        assert cancel(agent, id) == 202
        answer = call.result(60).response
        assert seen.cancelled.wait(60)

    assert (answer.status_code, answer.text) == (200, "")
    assert (the_row().state, the_row().code) == ("interrupted", "cancelled_by_caller")


def test_notification_reaches_a_call_in_another_process(
    bench: Bench, seen: Seen
) -> None:
    agent = bench.agent.initialized()

    with served(Application(start_worker=no_worker)) as other:
        elsewhere = Agent(
            url=other.url(bench.agent.url.partition(str(bench.gateway.port))[2]),
            token=agent.token,
            session=agent.session,
        )
        with hanging(agent, seen) as call:
            cancel(elsewhere)
            call.result(60)

    assert the_row().code == "cancelled_by_caller"


def test_notification_of_another_session_or_id_cancels_nothing(
    bench: Bench, seen: Seen
) -> None:
    agent = bench.agent.initialized()

    with hanging(agent, seen) as call:
        cancel(bench.agent.initialized())
        cancel(bench.agent)
        cancel(agent, id="1")
        cancel(agent, id={"odd": 1})
        agent.legacy("notifications/cancelled", [], id=None)
        assert not seen.cancelled.wait(0.3)
        seen.let_go.set()
        assert not call.result(60).is_error

    assert the_row().state == "succeeded"


def test_call_in_a_batch_is_cancelled_alone(bench: Bench, seen: Seen) -> None:
    agent = bench.agent.initialized("2025-03-26")
    echo = {"name": "echo", "arguments": {"text": "a"}}
    batch = [
        legacy("tools/call", {"name": "hang"}, id=1),
        legacy("tools/call", echo, id=2),
    ]

    with ThreadPoolExecutor(1) as thread:
        answers = thread.submit(agent.send, batch)
        assert seen.started.wait(60)
        agent.send([legacy("notifications/cancelled", {"requestId": 1}, id=None)])

        assert [a["id"] for a in answers.result(60).json()] == [2]
    assert sorted(row.state for row in rows()) == ["interrupted", "succeeded"]


@pytest.mark.parametrize("told", [{"CALLS_PER_TOOL_SET": 1}])
def test_call_that_is_cancelled_while_it_waits_its_turn_reached_nothing(
    bench: Bench, seen: Seen
) -> None:
    message, headers = request(MODERN, "hang")

    with hanging(bench.agent, seen):
        with bench.agent.sent(message, headers=headers):
            wait_until(lambda: len(rows()) == 2)
        wait_until(lambda: newest_row().state == "interrupted")

    assert not newest_row().reached_upstream
    assert seen.calls == ["hang"]


def test_stopping_process_does_not_blame_the_caller(bench: Bench, seen: Seen) -> None:
    message, headers = request(MODERN, "hang")

    with bench.agent.sent(message, headers=headers):
        assert seen.started.wait(60)
        bench.gateway.stop()

    assert (the_row().state, the_row().code) == ("interrupted", "process_lost")


def test_calls_of_many_clients_do_not_mix(bench: Bench) -> None:
    def said(number: int) -> Any:
        era = MODERN if number % 2 else "handshake"
        outcome = bench.agent.call("echo", era, text=f"n{number}")
        return json.loads(outcome.text)["arguments"]["text"]

    with ThreadPoolExecutor(16) as together:
        answers = list(together.map(said, range(64)))

    assert answers == [f"n{number}" for number in range(64)]
    assert [row.state for row in rows()] == ["succeeded"] * 64
