"""Calls hand-written tools through the forwarder, as the pipeline does."""

import json
from typing import Any

from tests.toolsets.adapters.forwarding import call, target
from tests.toolsets.adapters.http.recording import Received, Recorder
from toolsets.adapters.calling import Answer, Target


def http_target(url: str, **members: Any) -> Target:
    return target(url, adapter="http", **members)


def call_tool(
    upstream: Recorder, config: dict[str, Any], /, **arguments: Any
) -> Answer:
    """Call a tool with this configuration, of a set whose base URL is the upstream's /base."""
    return call_of(http_target(upstream.url("/base")), config, arguments)


def call_of(to: Target, config: dict[str, Any], arguments: dict[str, Any]) -> Answer:
    return call(to, config=json.dumps(config), arguments=arguments)


def sent(upstream: Recorder, config: dict[str, Any], /, **arguments: Any) -> Received:
    """What the upstream saw of a call."""
    call_tool(upstream, config, **arguments)
    return upstream.request
