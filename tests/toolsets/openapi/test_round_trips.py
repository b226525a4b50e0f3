"""Every operation of large documents, called with generated arguments: an upstream that reads by the document finds them."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.peers.documents import openapi_document
from tests.rest import Script
from tests.toolsets.openapi.documents import Recorder, listed
from tests.toolsets.openapi.generating import Generator
from tests.toolsets.openapi.reading import Reader, spelt
from tests.upstreams import App, Upstream
from toolsets.adapters.calling import Target, ToolRequest
from toolsets.adapters.definitions import ToolDefinition
from toolsets.adapters.forwarding import Forwarder

Serve = Callable[[App], Upstream]
BASE = "/base"


@pytest.mark.node
@pytest.mark.parametrize("name", ["github", "stripe", "kubernetes"])
def test_upstream_reads_the_arguments_of_every_operation(
    name: str, serve: Serve
) -> None:
    compare_all(json.loads(openapi_document(name).read_text()), serve, at_least=450)


def test_our_own_api_reads_the_arguments_of_every_operation(
    rest: Script, serve: Serve
) -> None:
    compare_all(rest.get("/v1/openapi.json").body, serve, at_least=50)


def compare_all(document: Mapping[str, Any], serve: Serve, *, at_least: int) -> None:
    recorder = Recorder()
    at = serve(recorder.app).url(BASE)
    tools = listed(document, baseUrl=at).tools
    reader = Reader(document, base=BASE)
    by_place = {place_of(tool): tool for tool in tools.values()}
    wanted = [
        (path, method, by_place[path, method])
        for path, method, _ in reader.operations()
        if (path, method) in by_place
        and b"multipart/form-data" not in by_place[path, method].packed
    ]
    assert len(wanted) >= at_least

    given = [arguments_for(tool) for _, _, tool in wanted]
    asyncio.run(call_all(at, [tool for *_, tool in wanted], given))

    for (path, method, tool), arguments, seen in zip(
        wanted, given, recorder.seen, strict=True
    ):
        is_nested = b'"argument":"body"' in tool.packed
        compare(reader, path, method, arguments, seen, is_nested=is_nested)


def place_of(tool: ToolDefinition) -> tuple[str, str]:
    config = tool.unpacked()["config"]
    return config["path"], config["method"].lower()


def arguments_for(tool: ToolDefinition) -> dict[str, Any]:
    made = Generator(tool.unpacked()["parameters"], seed=tool.name).arguments()
    return {
        name: "two dots" if value == ".." else value for name, value in made.items()
    }


async def call_all(
    at: str, tools: list[ToolDefinition], given: list[dict[str, Any]]
) -> None:
    forwarder = Forwarder()
    target = Target(
        key=("ts", 1, "tool_set", 0),
        adapter="openapi",
        url=at,
        headers={},
        networks=("127.0.0.0/8",),
    )
    try:
        for tool, arguments in zip(tools, given, strict=True):
            request = ToolRequest(
                name=tool.name,
                config=json.dumps(tool.unpacked()["config"]),
                arguments=arguments,
                deadline=asyncio.get_running_loop().time() + 30,
                max_result_bytes=1_000_000,
            )
            answer = await forwarder.call(target, request)
            assert not answer.result.get("isError"), (tool.name, answer.result)
    finally:
        await forwarder.aclose()


def compare(
    reader: Reader,
    path: str,
    method: str,
    arguments: Mapping[str, Any],
    seen: Mapping[str, Any],
    *,
    is_nested: bool,
) -> None:
    read = reader.read(path, method, seen)
    left = dict(arguments)
    expected: dict[tuple[str, str], Any] = {}
    for parameter in reader.parameters(path, method):
        name, place = parameter["name"], parameter["in"]
        argument = f"{name}_{place}" if f"{name}_{place}" in left else name
        if argument in left and (place, name) not in expected:
            value = written(reader, parameter, left.pop(argument))
            if value is not None:
                expected[place, name] = value
    assert read.parameters == expected, (path, method)
    body = left.get("body", {}) if is_nested else left
    is_form = "form" in seen["headers"].get("content-type", "")
    assert (read.body or {}) == (
        without_nothing(spelt(body)) if is_form else body or {}
    )


def written(reader: Reader, parameter: Mapping[str, Any], value: Any) -> Any:
    """What a reader of the query finds; None for what leaves no trace."""
    if value is None or value in ([], {}):
        return None
    is_deep = parameter.get("style") == "deepObject"
    if isinstance(value, list) and not is_deep:
        texts = [one if isinstance(one, str) else json.dumps(one) for one in value]
        if parameter.get("explode") is False or parameter["in"] == "path":
            return ",".join(texts)
        return texts if len(texts) > 1 else texts[0]
    return without_nothing(spelt(value)) if is_deep else spelt(value)


def without_nothing(value: Any) -> Any:
    """Without what a form cannot say: empty objects and lists."""
    if not isinstance(value, dict):
        return value
    kept = {name: without_nothing(held) for name, held in value.items()}
    return {name: held for name, held in kept.items() if held not in ({}, "null")}
