"""What one process is told reaches the others: a cancellation, and news for those who listen."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.processes.house import Agent, House, Process, agent, wait_until
from tests.processes.upstream import Workshop

HANDSHAKE = "2025-11-25"
_HEARD_SECONDS = 60.0
_TELLINGS, _AGAIN_SECONDS = 12, 5.0
"""What a process tells the others may be lost where Redis is slow to take it; then it is told again."""

_NEVER_COMPARING = (
    "-c",
    "import uvicorn, gateway.asgi; from gateway.mcp import listeners; "
    "listeners._COMPARE_SECONDS = listeners._PING_SECONDS = 600.0; uvicorn.main()",
)
Listen = Callable[[Agent], dict[str, Any]]


@pytest.fixture(autouse=True)
def everybody_hears(house: House, pair: tuple[Process, Process]) -> None:
    house.wait_until_all_hear()


def hands_shaken(here: Agent) -> dict[str, str]:
    """The headers of a session that was opened at this process."""
    headers = {
        "authorization": f"Bearer {here.cast.token}",
        "accept": "application/json, text/event-stream",
    }
    params = {
        "protocolVersion": HANDSHAKE,
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    response = here.http.post(here.url, json=message, headers=headers)
    return headers | {
        "mcp-session-id": response.headers["mcp-session-id"],
        "mcp-protocol-version": HANDSHAKE,
    }


def test_a_cancellation_sent_to_another_process_stops_the_call(
    pair: tuple[Process, Process], house: House, workshop: Workshop
) -> None:
    call = {
        "jsonrpc": "2.0",
        "id": "mine",
        "method": "tools/call",
        "params": {"name": "work_7", "arguments": {}},
    }
    cancelled = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": "mine"},
    }
    answers: list[httpx.Response] = []
    with (
        agent(pair[0], house.cast) as here,
        agent(pair[1], house.cast) as there,
        workshop.closed_gate(),
    ):
        headers = hands_shaken(here)
        calling = threading.Thread(
            target=lambda: answers.append(
                here.http.post(here.url, json=call, headers=headers)
            )
        )
        calling.start()
        wait_until(lambda: "work_7" in workshop.executed, what="the call to arrive")

        for _ in range(_TELLINGS):
            told = there.http.post(there.url, json=cancelled, headers=headers)
            calling.join(_AGAIN_SECONDS)
            if not calling.is_alive():
                break

    assert told.status_code == 202
    assert answers
    assert b"result" not in answers[0].content
    states = house.sql(
        "SELECT state, code FROM mcp_toolcall WHERE tool_name = 'work_7'"
    )
    assert states == [("interrupted", "cancelled_by_caller")]
    wait_until(lambda: workshop.cancelled, what="the upstream to hear of it")


# --- listeners -------------------------------------------------------------------------------------------------------


def by_get(here: Agent) -> dict[str, Any]:
    """A stream of the handshake eras."""
    headers = hands_shaken(here) | {"accept": "text/event-stream"}
    return {"method": "GET", "url": here.url, "headers": headers}


def by_subscription(here: Agent) -> dict[str, Any]:
    """A stream of 2026-07-28."""
    method = "subscriptions/listen"
    body = here.body(method, notifications={"toolsListChanged": True})
    headers = here.headers(method)
    return {"method": "POST", "url": here.url, "headers": headers, "json": body}


class Ear:
    """What a client hears on a stream, on a thread of its own."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.news = threading.Event()
        self.changes = 0

    @contextmanager
    def at(self, here: Agent, listen: Listen) -> Iterator["Ear"]:
        request = here.http.build_request(**listen(here))
        response = here.http.send(request, stream=True)
        assert response.status_code == 200
        hearing = threading.Thread(target=self._hear, args=[response])
        hearing.start()
        try:
            assert self.is_open.wait(_HEARD_SECONDS)
            yield self
        finally:
            _hang_up(response)
            hearing.join(_HEARD_SECONDS)

    def _hear(self, response: httpx.Response) -> None:
        try:
            for line in response.iter_lines():
                self.is_open.set()
                if line.startswith("data: ") and (
                    json.loads(line[6:]).get("method")
                    == "notifications/tools/list_changed"
                ):
                    self.changes += 1
                    self.news.set()
        except (httpx.TransportError, httpx.StreamError):
            return


def _hang_up(response: httpx.Response) -> None:
    stream = response.extensions["network_stream"]
    stream.get_extra_info("socket").shutdown(2)


@pytest.fixture(scope="module")
def uncomparing(session_house: House) -> Iterator[Process]:
    """A web process that learns of edits from Redis alone: it never looks by itself."""
    house = replace(session_house, uvicorn=_NEVER_COMPARING)
    web = house.web()
    house.wait_until_all_hear()
    yield web
    web.end()


@pytest.mark.parametrize("listen", [by_get, by_subscription])
def test_an_edit_at_one_process_is_told_to_those_who_listen_at_the_other(
    listen: Listen, pair: tuple[Process, Process], uncomparing: Process, house: House
) -> None:
    path = f"/v1/tool_sets/{house.cast.bench}/tools/{house.cast.tools['spare']}"
    key = {"authorization": f"Bearer {house.cast.token}"}

    with agent(uncomparing, house.cast) as there, Ear().at(there, listen) as ear:
        for verb in itertools.islice(itertools.cycle(("omit", "restore")), _TELLINGS):
            ear.news.clear()
            response = httpx.post(
                f"{pair[0].url}{path}:{verb}", headers=key, trust_env=False, timeout=60
            )
            assert response.status_code == 200
            if ear.news.wait(_AGAIN_SECONDS) and ear.changes == 2:
                break

    assert ear.changes == 2


@pytest.mark.parametrize("listen", [by_get, by_subscription])
def test_an_edit_that_nobody_announces_is_told_within_two_seconds(
    listen: Listen, pair: tuple[Process, Process], house: House
) -> None:
    edit = "UPDATE toolsets_tool SET description = description || '!' WHERE id = %s"

    with agent(pair[1], house.cast) as there, Ear().at(there, listen) as ear:
        time.sleep(0.1)  # let the listener's first comparison pass
        house.sql(edit, house.cast.tools["spare"])

        took = wait_until(lambda: ear.changes, what="the news", within=_HEARD_SECONDS)

    assert took < 10  # by itself a stream looks every fifteen seconds
    assert ear.changes == 1
