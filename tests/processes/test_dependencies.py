"""What calls see while the database, Redis or an upstream is away, and after its return."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from benchmarks.instances import Postgres, Redis
from tests.processes.house import House, Process, agent, said_of, wait_until
from tests.processes.upstream import Workshop

CLIENTS = 8
WELL_AGAIN_SECONDS = 20.0
REFUSED = {"503 database_unavailable", "not_recorded", "database_unavailable"}


@pytest.fixture
def web(pair: tuple[Process, Process]) -> Process:
    return pair[0]


class Load:
    """Clients that call without pause, and what came of it."""

    def __init__(self) -> None:
        self.said: list[tuple[float, float, str]] = []  # began, ended, and that
        self.is_over = threading.Event()

    @contextmanager
    def on(self, web: Process, house: House) -> Iterator["Load"]:
        clients = [
            threading.Thread(target=self._work, args=[web, house])
            for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            wait_until(lambda: len(self.said) > 50, what="the load")
            yield self
        finally:
            self.is_over.set()
            for client in clients:
                client.join(90)

    def since(self, moment: float) -> list[str]:
        return [said for _, ended, said in self.said if ended >= moment]

    def of_calls_begun_since(self, moment: float) -> list[str]:
        return [said for began, _, said in self.said if began >= moment]

    def _work(self, web: Process, house: House) -> None:
        with agent(web, house.cast) as here:
            while not self.is_over.is_set():
                began = time.monotonic()
                try:
                    said = said_of(here.call("echo"))
                except httpx.HTTPError as exc:
                    said = type(exc).__name__
                self.said.append((began, time.monotonic(), said))


def seconds_until_well(load: Load) -> float:
    """From now until the last call that was not answered as it should be, once a hundred in a row were."""
    began = time.monotonic()

    def is_well() -> bool:
        last = load.since(began)[-100:]
        return len(last) == 100 and set(last) == {"ok"}

    wait_until(is_well, what="calls to succeed again")
    bad = [at for _, at, said in load.said if said != "ok" and at >= began]
    return max(bad, default=began) - began


def test_without_its_database_calls_are_refused_and_all_is_well_after_its_return(
    web: Process, house: House, postgres: Postgres, workshop: Workshop
) -> None:
    before = len(house.calls().get("echo", []))
    load = Load()
    with load.on(web, house):
        postgres.stop_at_once()
        away = time.monotonic()
        try:
            wait_until(lambda: REFUSED & said(load), what="refusals")
            gone = len(workshop.executed)
            wait_until(
                lambda: len(load.of_calls_begun_since(away)) > 100, what="more refusals"
            )
            assert len(workshop.executed) <= gone + CLIENTS
            assert "ok" not in load.of_calls_begun_since(away)
        finally:
            postgres.start_again()
        took = seconds_until_well(load)

    assert took < WELL_AGAIN_SECONDS
    assert said(load) <= {"ok", *REFUSED}
    open_rows = "SELECT id, started_at FROM mcp_toolcall WHERE state = 'running'"
    wait_until(lambda: not house.sql(open_rows), what="every row to be closed")
    reached = house.sql(
        "SELECT count(*) FROM mcp_toolcall WHERE tool_name = 'echo' AND reached_upstream"
    )
    assert reached[0][0] - before == workshop.executed.count("echo")


def said(load: Load) -> set[str]:
    return {word for _, _, word in load.said}


def test_without_redis_calls_and_edits_are_served(
    web: Process, house: House, redis: Redis, workshop: Workshop
) -> None:
    path = f"/v1/tool_sets/{house.cast.bench}/tools/{house.cast.tools['spare']}"
    key = {"authorization": f"Bearer {house.cast.token}"}
    load = Load()
    with (
        agent(web, house.cast) as here,
        httpx.Client(
            base_url=web.url, headers=key, trust_env=False, timeout=60
        ) as rest,
        load.on(web, house),
    ):
        redis.process.stop()
        try:
            began = time.monotonic()
            omitted = rest.post(f"{path}:omit")
            assert "spare" not in here.list()
            restored = rest.post(f"{path}:restore")
            took = time.monotonic() - began
            assert "spare" in here.list()
        finally:
            redis.start_again()

    assert (omitted.status_code, restored.status_code) == (200, 200)
    assert took < 20
    assert said(load) == {"ok"}


def test_an_upstream_that_restarts_under_load_is_found_again(
    web: Process, house: House, workshop: Workshop, restart: Callable[[], Any]
) -> None:
    load = Load()
    with load.on(web, house):
        restart()
        took = seconds_until_well(load)

    assert took < WELL_AGAIN_SECONDS
    assert said(load) <= {"ok", "upstream_unreachable", "upstream_lost"}
