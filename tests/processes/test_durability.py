"""No call that reached its upstream is without a row, whatever happens to the process that carried it."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from tests.processes.house import House, Process, agent, body_of, wait_until
from tests.processes.upstream import WORK, Workshop

ENDED = {"succeeded", "failed", "interrupted"}


@contextmanager
def a_hundred_calls(
    web: Process, house: House, workshop: Workshop
) -> Iterator[list[Any]]:
    """In the block a hundred calls are under way, half of them answered; what came of each is known after it."""
    outcomes: list[Any] = []

    def call(name: str) -> None:
        try:
            outcomes.append(here.call(name).json())
        except (httpx.TransportError, ValueError) as exc:
            outcomes.append(exc)

    with agent(web, house.cast) as here, ThreadPoolExecutor(50) as pool:
        list(pool.map(call, WORK[:50]))
        with workshop.closed_gate():
            for name in WORK[50:]:
                pool.submit(call, name)
            wait_until(lambda: len(workshop.executed) >= 80, what="calls to arrive")
            yield outcomes


def states_of_executed(house: House, workshop: Workshop) -> set[str]:
    """How the calls that the upstream executed are recorded; each exactly once."""
    calls = house.calls()
    missing = [name for name in workshop.executed if len(calls.get(name, [])) != 1]
    assert missing == []
    return {state for states in calls.values() for state in states}


def test_a_killed_embedded_process_closes_its_rows_when_it_starts_again(
    embedded: House, workshop: Workshop
) -> None:
    web = embedded.web()
    with a_hundred_calls(web, embedded, workshop):
        web.kill()
    assert "running" in states_of_executed(embedded, workshop)

    embedded.web()

    assert states_of_executed(embedded, workshop) == {"succeeded", "interrupted"}


def test_the_rows_of_a_killed_process_are_closed_by_another(
    house: House, pair: tuple[Process, Process], workshop: Workshop
) -> None:
    web = house.web()
    with a_hundred_calls(web, house, workshop):
        web.kill()
    assert "running" in states_of_executed(house, workshop)

    grow_silent(house, web)

    wait_until(
        lambda: "running" not in states_of_executed(house, workshop),
        what="the sweep of the other process",
    )
    assert states_of_executed(house, workshop) == {"succeeded", "interrupted"}


def test_a_process_that_was_given_up_adds_the_true_outcome(
    house: House, pair: tuple[Process, Process], workshop: Workshop
) -> None:
    slow = house.web()
    query = "SELECT state, code, amendment FROM mcp_toolcall"
    with agent(slow, house.cast) as here, ThreadPoolExecutor(1) as pool:
        with workshop.closed_gate():
            answer = pool.submit(here.call, "work_1")
            wait_until(lambda: workshop.executed, what="the call to arrive")
            slow.signal(signal.SIGSTOP)
            try:
                grow_silent(house, slow)
                wait_until(
                    lambda: house.sql(query) == [("interrupted", "process_lost", "")],
                    what="the sweep of the other process",
                )
            finally:
                slow.signal(signal.SIGCONT)
        said = body_of(answer.result(timeout=60))

    assert said["result"]["content"][0]["text"].startswith("work_1")
    wait_until(
        lambda: house.sql(query) == [("interrupted", "process_lost", "succeeded")],
        what="the amendment",
    )
    slow.end()


def grow_silent(house: House, process: Process) -> None:
    """As if the process had been silent for longer than the others wait."""
    house.sql(
        "UPDATE mcp_process SET beat_at = beat_at - interval '31 seconds' WHERE pid = %s",
        process.popen.pid,
    )
