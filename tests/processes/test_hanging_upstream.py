"""An upstream that hangs slows nobody else down."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.processes.house import Agent, House, Process, agent, said_of, wait_until
from tests.processes.upstream import Workshop

CALLS = 200
ROUNDS = 100


def times(here: Agent) -> list[float]:
    """How long a call to a healthy tool set and a list took, in seconds, sorted."""
    taken = []
    for _ in range(ROUNDS):
        for ask in (lambda: said_of(here.call("echo")) == "ok", here.list):
            began = time.perf_counter()
            assert ask()
            taken.append(time.perf_counter() - began)
    return sorted(taken)


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
        httpx.Client(trust_env=False, timeout=60, limits=limits) as http,
        ThreadPoolExecutor(CALLS) as pool,
        workshop.closed_gate(),
    ):
        hanging = Agent(
            web=web, cast=house.cast, http=http, pack=house.cast.hanging_pack
        )
        before = times(here)
        for _ in range(CALLS):
            pool.submit(hang, hanging)
        wait_until(
            lambda: (
                workshop.executed.count("hang") == 100
                and outcomes.total() == CALLS - 125
            ),
            what="the share of the hanging set to be full",
        )
        during = times(here)

    half, nearly_all = len(during) // 2, int(len(during) * 0.99)
    assert outcomes == {"tool_set_busy": 75, "ok": 125}
    assert during[half] < max(0.05, 3 * before[half])
    assert (
        during[nearly_all] < 1
    )  # a busy machine has its moments; what waits for a hanging call waits far longer
