"""Documents of GitHub, Stripe and Kubernetes: imported whole, and called as they say."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from gateway.mcp.arguments import check_arguments
from tests.peers.documents import openapi_document
from tests.rest import Script
from tests.toolsets.openapi import calls
from tests.toolsets.openapi.calls import Call
from tests.toolsets.openapi.documents import Recorder
from tests.toolsets.openapi.test_sync import connected, synced
from tests.upstreams import App, Upstream
from toolsets.adapters.calling import Target, ToolRequest
from toolsets.adapters.definitions import ToolDefinition
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.listing import Source
from toolsets.adapters.openapi.listing import list_tools

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

BASE = "/the/base"
CALLS = {"github": calls.GITHUB, "stripe": calls.STRIPE, "kubernetes": calls.KUBERNETES}
OPERATIONS = {"github": 1223, "stripe": 452, "kubernetes": 845}
MOST_SECONDS = 100


@pytest.mark.parametrize("name", OPERATIONS)
def test_document_is_imported_in_time_with_nearly_every_operation(
    name: str, rest: Script
) -> None:
    text = openapi_document(name).read_text()
    base = {"baseUrl": "https://k.example"} if name == "kubernetes" else {}
    tool_set = connected(rest, document=text, **base)

    started = time.monotonic()
    event = synced(tool_set)
    seconds = time.monotonic() - started

    assert event.tools_synced is not None
    assert event.tools_synced >= 0.95 * OPERATIONS[name], event.message
    assert seconds < MOST_SECONDS
    print(f"{name}: {event.tools_synced} of {OPERATIONS[name]} in {seconds:.1f} s")  # noqa: T201 - a figure of the run


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_sent_as_the_document_says(
    name: str, serve: Callable[[App], Upstream]
) -> None:
    recorder = Recorder()
    at = serve(recorder.app).url(BASE)
    tools = tools_of(name, at)
    assert len(CALLS[name]) == 20

    asyncio.run(called(tools, at, CALLS[name]))

    for call, seen in zip(CALLS[name], recorder.seen, strict=True):
        compare(call, seen)


def tools_of(name: str, at: str) -> Mapping[str, ToolDefinition]:
    source = Source(
        adapter_type="openapi",
        adapter={"document": openapi_document(name).read_text(), "baseUrl": at},
        headers={},
        networks=(),
        timeout_seconds=60,
        max_tools=5000,
    )
    return list_tools(source, lambda _: None).tools


async def called(
    tools: Mapping[str, ToolDefinition], at: str, wanted: list[Call]
) -> None:
    forwarder = Forwarder()
    target = Target(
        key=("ts", 1, "tool_set", 0),
        adapter="openapi",
        url=at,
        headers={"X-Api-Key": "key"},
        networks=("127.0.0.0/8",),
    )
    try:
        for call in wanted:
            fields = tools[call.tool].unpacked()
            check_arguments(json.dumps(fields["parameters"]), call.arguments)
            answer = await forwarder.call(target, request_for(call, fields["config"]))
            assert not answer.result.get("isError")
    finally:
        await forwarder.aclose()


def request_for(call: Call, config: Mapping[str, Any]) -> ToolRequest:
    return ToolRequest(
        name=call.tool,
        config=json.dumps(config),
        arguments=call.arguments,
        deadline=asyncio.get_running_loop().time() + 30,
        max_result_bytes=1_000_000,
    )


def compare(call: Call, seen: Mapping[str, Any]) -> None:
    method, _, target = call.request.partition(" ")
    body, content_type = seen["body"], seen["headers"].get("content-type", "")
    assert (seen["method"], seen["target"]) == (method, BASE + target)
    assert seen["headers"]["x-api-key"] == "key"
    if call.form:
        assert content_type == "application/x-www-form-urlencoded"
        assert sorted(map(unquote, body.decode().split("&"))) == sorted(call.form)
        assert not set(body) & set(b" []")
    elif call.text:
        assert (body.decode(), content_type) == (call.text, call.content_type)
    elif call.json is not None:
        assert json.loads(body) == call.json
        assert content_type == (call.content_type or "application/json")
    else:
        assert (body, content_type) == (b"", "")
