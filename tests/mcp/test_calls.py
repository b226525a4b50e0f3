"""Tool calls through the gateway, from agents of both eras to upstreams of both eras."""

import json

import pytest

from tests.mcp.agents import MODERN
from tests.mcp.conftest import Bench

ERAS = pytest.mark.parametrize("era", [MODERN, "2025-11-25"])


@ERAS
def test_call_is_answered_by_the_upstream(either_bench: Bench, era: str) -> None:
    outcome = either_bench.agent.call("echo", era, text="hello")

    assert outcome.status == 200
    assert json.loads(outcome.text)["arguments"] == {"text": "hello"}
