"""An upstream with the tools that the conformance suite calls, on the SDK's own server: both eras, or the older only."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    SamplingMessage,
    TextContent,
)

from tests.conformance import asking
from tests.conformance.tools import STATELESS, offered
from tests.upstreams import App, handshake_only, streamable_http_app

Context = ServerRequestContext[Any, Any]
_MODERN = "2026-07-28"
_MISSING_CAPABILITY = -32021
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
_SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _resource(uri: str, mime_type: str, text: str) -> dict[str, Any]:
    return {
        "type": "resource",
        "resource": {"uri": uri, "mimeType": mime_type, "text": text},
    }


_IMAGE = {"type": "image", "data": _PIXEL, "mimeType": "image/png"}
_FIXED: dict[str, list[dict[str, Any]]] = {
    "test_simple_text": [_text("This is a simple text response for testing.")],
    "test_image_content": [_IMAGE],
    "test_audio_content": [
        {"type": "audio", "data": _SILENCE, "mimeType": "audio/wav"}
    ],
    "test_embedded_resource": [
        _resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )
    ],
    "test_multiple_content_types": [
        _text("Multiple content types test:"),
        _IMAGE,
        _resource(
            "test://mixed-content-resource",
            "application/json",
            json.dumps({"test": "data", "value": 123}),
        ),
    ],
    "test_streaming_elicitation": [_text("Streaming complete")],
    "test_reconnection": [_text("The stream was not closed on the way.")],
    "test_trigger_tool_change": [_text("The list of tools is another one now.")],
    "test_missing_capability": [_text("Success")],
}


async def list_tools(
    context: Context, params: PaginatedRequestParams | None
) -> ListToolsResult:
    are_modern = context.protocol_version == _MODERN
    return ListToolsResult(
        tools=offered(are_modern=are_modern), ttl_ms=0, cache_scope="private"
    )


async def call_tool(
    context: Context, params: CallToolRequestParams
) -> CallToolResult | InputRequiredResult:
    name, arguments = params.name, params.arguments or {}
    capabilities = _declared_capabilities(context)
    if name in STATELESS and context.protocol_version != _MODERN:
        return _failed(f"{name} needs revision {_MODERN}")
    if name.startswith("test_input_required_result_"):
        return asking.answer(name, _round(params, capabilities))
    if name == "test_missing_capability" and "sampling" not in capabilities:
        raise MCPError(
            _MISSING_CAPABILITY,
            "Missing required client capability",
            {"requiredCapabilities": {"sampling": {}}},
        )
    match name:
        case "test_error_handling":
            return _failed("This tool intentionally returns an error for testing")
        case "test_tool_with_progress" | "test_streaming_elicitation":
            await _report_progress(context)
            return _done(_FIXED.get(name, [_text("Progress was reported")]))
        case "test_tool_with_logging" | "test_logging_tool":
            await _log(context)
            return _done([_text("Logging evaluated")])
        case "test_sampling":
            return await _sample(context, str(arguments.get("prompt")))
        case "test_elicitation":
            return await _elicit(context, str(arguments.get("message")), _RESPONSE)
        case "test_elicitation_sep1034_defaults":
            return await _elicit(context, "Review these defaults", _DEFAULTS)
        case "test_elicitation_sep1330_enums":
            return await _elicit(context, "Choose from these", _CHOICES)
        case "json_schema_2020_12_tool" | "test_x_mcp_header":
            return _done([_text(json.dumps(arguments))])
        case _ if name in _FIXED:
            return _done(_FIXED[name])
        case _:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name}")


def _declared_capabilities(context: Context) -> dict[str, Any]:
    meta: dict[str, Any] = dict(context.meta or {})
    declared: dict[str, Any] = meta.get(
        "io.modelcontextprotocol/clientCapabilities", {}
    )
    return declared


def _round(params: CallToolRequestParams, capabilities: dict[str, Any]) -> asking.Round:
    sent = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    return asking.Round(
        responses=sent.get("inputResponses", {}),
        state=asking.unseal(sent.get("requestState")),
        capabilities=capabilities,
    )


def _done(content: list[dict[str, Any]]) -> CallToolResult:
    return CallToolResult.model_validate({"content": content})


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


async def _report_progress(context: Context) -> None:
    for progress in (0, 50, 100):
        await context.session.report_progress(
            progress, 100, f"Completed step {progress} of 100"
        )
        await anyio.sleep(0.02)  # the suite wants to see them arrive one after another


async def _log(context: Context) -> None:
    for line in ("started", "processing", "completed"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await context.session.send_log_message(
                "info", f"Tool execution {line}", related_request_id=context.request_id
            )


async def _sample(context: Context, prompt: str) -> CallToolResult:
    message = SamplingMessage(role="user", content=TextContent(text=prompt))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            result = await context.session.create_message(
                [message], max_tokens=100, related_request_id=context.request_id
            )
    except (MCPError, RuntimeError) as exc:
        return _failed(f"Sampling is not possible: {exc}")
    return _done([_text(f"LLM response: {getattr(result.content, 'text', '')}")])


async def _elicit(
    context: Context, message: str, schema: dict[str, Any]
) -> CallToolResult:
    try:
        result = await context.session.elicit_form(
            message, schema, related_request_id=context.request_id
        )
    except (MCPError, RuntimeError) as exc:
        return _failed(f"Elicitation is not possible: {exc}")
    return _done(
        [
            _text(
                f"User response: action={result.action}, content={json.dumps(result.content)}"
            )
        ]
    )


def _form(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": []}


_RESPONSE = _form(response={"type": "string", "description": "User's response"})
_DEFAULTS = _form(
    name={"type": "string", "default": "John Doe"},
    age={"type": "integer", "default": 30},
    score={"type": "number", "default": 95.5},
    status={
        "type": "string",
        "enum": ["active", "inactive", "pending"],
        "default": "active",
    },
    verified={"type": "boolean", "default": True},
)
_TITLED = [{"const": f"value{n}", "title": f"Choice {n}"} for n in (1, 2, 3)]
_PLAIN = ["option1", "option2", "option3"]
_CHOICES = _form(
    untitledSingle={"type": "string", "enum": _PLAIN},
    titledSingle={"type": "string", "oneOf": _TITLED},
    legacyEnum={
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti={
        "type": "array",
        "minItems": 1,
        "maxItems": 3,
        "items": {"type": "string", "enum": _PLAIN},
    },
    titledMulti={
        "type": "array",
        "minItems": 1,
        "maxItems": 3,
        "items": {"anyOf": _TITLED},
    },
)


def application(
    *, only_handshake: bool, change_tools: Callable[[], None] = lambda: None
) -> App:
    """The upstream as an ASGI app at `/mcp`; with `only_handshake` it is as servers were before 2026-07-28.

    `change_tools` is what the suite's hook for a changed list does, before the hook answers.
    """

    async def on_call_tool(
        context: Context, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        if params.name == "test_trigger_tool_change":
            await anyio.to_thread.run_sync(change_tools)
        return await call_tool(context, params)

    server: Server[Any] = Server(
        "conformance-upstream",
        version="1.0.0",
        on_list_tools=list_tools,
        on_call_tool=on_call_tool,
    )
    app = streamable_http_app(server)
    return handshake_only(app) if only_handshake else app
