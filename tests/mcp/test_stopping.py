"""A process that is told to stop while somebody listens."""

import signal
import time
from pathlib import Path

import pytest

from tests.mcp.agents import Agent
from tests.running import environment, free_port, running

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
]


def test_listeners_do_not_keep_a_process_from_stopping(tmp_path: Path) -> None:
    with (
        environment(tmp_path, port=free_port()) as told,
        running(told) as product,
    ):
        demo = product.demo
        agent = Agent(url=demo["mcp_url"], token=demo["api_key"])
        with agent.listening(id=4, toolsListChanged=True) as stream:
            stream.next()
            began = time.monotonic()
            product.process.send_signal(signal.SIGINT)
            *_, last = stream.rest()

        assert last["id"] == 4
        assert time.monotonic() - began < 3
        assert product.process.wait(15) == 0
