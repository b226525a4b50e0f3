"""An upstream that hangs slows nobody else down."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.processes.house import Agent, House, Process, agent, said_of, wait_until
from tests.processes.upstream import Workshop

CALLS = 200
PARTS, ROUNDS = 5, 20


def times(here: Agent) -> tuple[float, float]:
    """How long a call to a healthy tool set or a list took at the median and at most, in seconds.

    Each is that of the best of some parts: whatever else this machine does has its moments, and hanging calls are always there.
    """
    parts = [sorted(_taken(here)) for _ in range(PARTS)]
    return min(part[ROUNDS] for part in parts), min(part[-1] for part in parts)


def _taken(here: Agent) -> Iterator[float]:
    for _ in range(ROUNDS):
        for ask in (lambda: said_of(here.call("echo")) == "ok", here.list):
            began = time.perf_counter()
            assert ask()
            yield time.perf_counter() - began


def test_two_hundred_hanging_calls_slow_no_other_tool_set_and_no_list(
    house: House, pair: tuple[Process, Process], workshop: Workshop
) -> None:
    web = pair[1]
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def hang(here: Agent) -> None:
        outcome = said_of(here.call("hang"))
        with lock:
            outcomes[outcome] += 1

    limits = httpx.Limits(max_connections=CALLS)
    with (
        agent(web, house.cast) as here,
        httpx.Client(trust_env=False, timeout=90, limits=limits) as http,
        ThreadPoolExecutor(CALLS) as pool,
        workshop.closed_gate(),
    ):
        hanging = Agent(
            web=web, cast=house.cast, http=http, pack=house.cast.hanging_pack
        )
        before, _ = times(here)
        for _ in range(CALLS):
            pool.submit(hang, hanging)
        wait_until(
            lambda: (
                workshop.executed.count("hang") == 100
                and outcomes.total() == CALLS - 125
            ),
            what="the share of the hanging set to be full",
        )
        during, longest = times(here)

    assert outcomes == {"tool_set_busy": 75, "ok": 125}
    assert during < max(0.05, 3 * before)
    assert longest < 1  # what waits for a hanging call waits far longer
