"""Small OpenAPI documents, their tools as a listing makes them, and an upstream that records what reaches it."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.mcp.arguments import check_arguments
from tests.upstreams import App, Receive, Scope, Send, body_of, respond
from toolsets.adapters.calling import Target, ToolRequest
from toolsets.adapters.definitions import ToolDefinition
from toolsets.adapters.http.requests import OutgoingRequest
from toolsets.adapters.listing import Listing, Source
from toolsets.adapters.openapi.listing import list_tools
from toolsets.adapters.openapi.requests import build

HOST = "https://api.example.com"


def document(
    paths: Mapping[str, Any], *, version: str = "3.1.0", **members: Any
) -> dict[str, Any]:
    """A document with these paths, whose API is at `HOST`."""
    return {
        "openapi": version,
        "info": {"title": "An API", "version": "1"},
        "servers": [{"url": HOST}],
        "paths": dict(paths),
        **members,
    }


def operation(operation_id: str = "act", **members: Any) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "responses": {"204": {"description": "Done"}},
        **members,
    }


def parameter(
    name: str, place: str, schema: Any = None, **members: Any
) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema or {}, **members}


def json_body(schema: Any, **members: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, **members}


def listed(
    given: Any, *, headers: Mapping[str, str] | None = None, **adapter: Any
) -> Listing:
    """What a listing makes of a document, pasted as text or as an object."""
    text = given if isinstance(given, str) else json.dumps(given)
    return list_tools(
        Source(
            adapter_type="openapi",
            adapter={"document": text, **adapter},
            headers=headers or {},
            networks=(),
            timeout_seconds=60,
            max_tools=20_000,
        ),
        lambda _: None,
    )


def only_tool(given: Any, **adapter: Any) -> ToolDefinition:
    listing = listed(given, **adapter)
    assert listing.skipped == []
    (tool,) = listing.tools.values()
    return tool


def input_of(operation: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """The input schema of the tool that a POST operation becomes."""
    tool = only_tool(document({"/act": {"post": operation}}, **members))
    schema: dict[str, Any] = tool.unpacked()["parameters"]
    return schema


class Recorder:
    """Answers every request with JSON, and keeps what it was: method, target as it came, headers and body."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.seen: list[dict[str, Any]] = []

    @property
    def app(self) -> App:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            query = scope["query_string"].decode()
            path = scope["raw_path"].decode()
            headers = {k.decode(): v.decode() for k, v in scope["headers"]}
            self.seen.append(
                {
                    "method": scope["method"],
                    "target": f"{path}?{query}" if query else path,
                    "headers": headers,
                    "body": await body_of(receive),
                }
            )
            await respond(send, 200, self.answers.get(path, {"ok": True}))

        return answer


def built(
    given: Any,
    arguments: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    **adapter: Any,
) -> OutgoingRequest:
    """The request that a call of a document's only tool makes; the arguments fit its schema."""
    tool = only_tool(given, headers=headers, **adapter)
    fields = tool.unpacked()
    check_arguments(json.dumps(fields["parameters"]), arguments)
    return request_of(fields["config"], arguments, headers=headers, **adapter)


def request_of(
    config: Mapping[str, Any],
    arguments: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    **adapter: Any,
) -> OutgoingRequest:
    """The request of a tool with this configuration."""
    target = Target(
        key=("ts", 1, "tool_set", 0),
        adapter="openapi",
        url=adapter.get("baseUrl") or adapter.get("url") or "",
        headers=headers or {},
    )
    request = ToolRequest(
        name="act",
        config=json.dumps(config),
        arguments=arguments,
        deadline=0,
        max_result_bytes=0,
    )
    return build(target, request)
