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


_MUCH_GRACE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "gateway.settings"
import django
django.setup()
from django.core.management import call_command
from gateway.mcp.management.commands import run
run._GRACE_SECONDS = 100
call_command("run")
"""
"""`manage.py run`, where whoever is kept waiting for those who listen waits longer than a slow machine can take."""


def test_listeners_do_not_keep_a_process_from_stopping(tmp_path: Path) -> None:
    with (
        environment(tmp_path, port=free_port()) as told,
        running(told, command=("-c", _MUCH_GRACE)) as product,
    ):
        demo = product.demo
        agent = Agent(url=demo["mcp_url"], token=demo["api_key"])
        with agent.listening(id=4, toolsListChanged=True) as stream:
            stream.next()
            began = time.monotonic()
            product.process.send_signal(signal.SIGINT)
            *_, last = stream.rest()

        assert last["id"] == 4
        assert time.monotonic() - began < 60
        assert product.process.wait(60) == 0
