"""Upstreams of the 2026-07-28 era: every request speaks for itself, and closing its response cancels it."""

from collections.abc import Callable

import aiohttp
from multidict import CIMultiDict

from toolsets.adapters.calling import ToolRequest, UpstreamAnsweredError
from toolsets.adapters.mcp.exchange import Exchange
from toolsets.adapters.mcp.messages import (
    HEADER_MISMATCH,
    MODERN_VERSION,
    listen_body,
    modern_tool_call_body,
)
from toolsets.adapters.mcp.mirroring import header_value, parameter_headers
from toolsets.adapters.mcp.sessions import StreamableSession


class ModernSession(StreamableSession):
    """Nothing is opened upstream: a session is only the knowledge of the revision, and connections."""

    _has_sessions = False

    def __init__(
        self, exchange: Exchange, *, on_list_changed: Callable[[], None]
    ) -> None:
        super().__init__(
            exchange, version=MODERN_VERSION, on_list_changed=on_list_changed
        )
        self._call_headers = modern_headers(exchange, "tools/call")

    def _body(self, request_id: int, request: ToolRequest) -> bytes:
        return modern_tool_call_body(request_id, request)

    def _headers(self, request: ToolRequest) -> CIMultiDict[str]:
        headers = self._call_headers.copy()
        headers["Mcp-Name"] = header_value(request.name)
        if request.header_paths:
            headers.update(parameter_headers(request.header_paths, request.arguments))
        return headers

    async def _ask_for_stream(self, exchange: Exchange) -> aiohttp.ClientResponse:
        headers = modern_headers(exchange, "subscriptions/listen")
        return await exchange.post(listen_body(next(self._ids)), headers)

    def _consider(self, error: UpstreamAnsweredError | None) -> None:
        if error is not None and error.rpc_code == HEADER_MISMATCH:
            self._on_list_changed()  # we mirrored the arguments of a definition that no longer holds


def modern_headers(exchange: Exchange, method: str) -> CIMultiDict[str]:
    headers = exchange.headers.copy()
    headers["MCP-Protocol-Version"] = MODERN_VERSION
    headers["Mcp-Method"] = method
    return headers
