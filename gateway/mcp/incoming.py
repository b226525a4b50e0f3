"""The request in hand: one HTTP request to the endpoint, who makes it, and the client it came from."""

from collections.abc import Mapping
from typing import Any

from gateway.mcp.access import Door, Visit
from gateway.mcp.http import HttpError, Receive, Scope, Send, send_json
from gateway.mcp.protocol import (
    HANDSHAKE,
    HEADER_MISMATCH,
    SUPPORTED,
    UNNAMED,
    Client,
    RpcError,
    modern_client,
    repeated_routing_header,
)
from gateway.mcp.sessions import session_client


class Incoming:
    """One HTTP request, and who makes it."""

    __slots__ = ("door", "headers", "receive", "scope", "send", "visit")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        door: Door,
        visit: Visit,
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers = headers
        self.door = door
        self.visit = visit

    def session(self, method: str = "") -> Client:
        """The client that shook hands, or one that can do nothing special.

        Raises:
            HttpError: 404, the session token is not this caller's; 400, the revision is not supported.
        """
        named = self.headers.get("mcp-protocol-version")
        if named is not None and named not in HANDSHAKE:
            supported = ", ".join(SUPPORTED)
            raise HttpError(
                400,
                "unsupported_version",
                f"MCP-Protocol-Version must be one of {supported}.",
            )
        token = self.headers.get("mcp-session-id")
        if token is None or method == "initialize":
            return Client(version=named or UNNAMED)
        client = session_client(token, profile_id=self.visit.caller.profile_id)
        if client is None:
            raise HttpError(
                404, "session_not_found", "This session is not known. Initialize again."
            )
        return client

    def modern(self, method: str, params: Any) -> Client:
        """The client as a request of the modern era describes it. Raises RpcError: it does not, or not rightly."""
        if (name := repeated_routing_header(self.scope["headers"])) is not None:
            raise RpcError(HEADER_MISMATCH, f"The {name} header stands more than once.")
        return modern_client(method, params, self.headers)

    async def reply(
        self, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        await send_json(self.send, 200, body, headers or ())
