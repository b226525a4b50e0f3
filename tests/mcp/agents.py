"""An agent as the gateway meets it: a URL, a key, and raw HTTP of every revision."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

MODERN = "2026-07-28"
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
CLIENT = "io.modelcontextprotocol/clientInfo"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
REFUSAL = "dev.toolcrib/refusal"
BOTH = "application/json, text/event-stream"


@dataclass(frozen=True, kw_only=True)
class Agent:
    """Requests to one MCP URL with one key."""

    url: str
    token: str = field(repr=False)
    session: str = ""

    @property
    def headers(self) -> dict[str, str]:
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": BOTH,
        }
        return sent | ({"Mcp-Session-Id": self.session} if self.session else {})

    def send(
        self,
        content: Any = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """One HTTP request; a header of None is not sent."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        sent = {**self.headers, **(headers or {})}
        given = {name: value for name, value in sent.items() if value is not None}
        return httpx.request(
            method, self.url, content=body, headers=given, timeout=60, trust_env=False
        )

    def legacy(
        self, method: str, params: Any = None, *, id: Any = 1, **headers: str
    ) -> httpx.Response:
        """A request as the handshake eras make it."""
        return self.send(legacy(method, params, id=id), headers=headers)

    def modern(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        capabilities: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        id: Any = 1,
    ) -> httpx.Response:
        """A request of 2026-07-28, with its envelope and headers."""
        message = modern(method, params, capabilities=capabilities, id=id)
        return self.send(
            message, headers={**modern_headers(message), **(headers or {})}
        )

    def call(self, name: str, era: str = MODERN, **arguments: Any) -> "Outcome":
        """A tool call of either era."""
        params = {"name": name, "arguments": arguments}
        ask = self.modern if era == MODERN else self.legacy
        return Outcome(ask("tools/call", params))

    def tool_names(self) -> list[str]:
        return [tool["name"] for tool in self.tools()]

    def tools(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.modern("tools/list").json()["result"][
            "tools"
        ]
        return listed

    def initialized(self, version: str = "2025-11-25", **capabilities: Any) -> "Agent":
        """The same agent after shaking hands."""
        answer = self.legacy("initialize", handshake(version, **capabilities))
        assert answer.status_code == 200, answer.text
        return replace(self, session=answer.headers["mcp-session-id"])

    @contextmanager
    def stream(
        self,
        content: Any = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        patience: float = 60,
    ) -> Iterator["Stream"]:
        """A request whose answer is read event by event."""
        body = b"" if content is None else json.dumps(content).encode()
        sent = {**self.headers, **(headers or {})}
        client = httpx.Client(timeout=patience, trust_env=False)
        with (
            client,
            client.stream(method, self.url, content=body, headers=sent) as response,
        ):
            yield Stream(response)

    @contextmanager
    def sent(
        self, content: Any, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[socket.socket]:
        """A request whose client hangs up at the end of the block, whatever was answered."""
        url = urlsplit(self.url)
        body = json.dumps(content).encode()
        lines = {**self.headers, "Host": url.netloc, "Content-Length": str(len(body))}
        head = "".join(
            f"{k}: {v}\r\n" for k, v in (lines | dict(headers or {})).items()
        )
        with socket.create_connection((url.hostname or "", url.port or 0)) as wire:
            wire.sendall(f"POST {url.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            yield wire

    @contextmanager
    def listening(self, id: Any = 7, **wanted: Any) -> Iterator["Stream"]:
        """An open `subscriptions/listen`."""
        message = modern("subscriptions/listen", {"notifications": wanted}, id=id)
        with self.stream(message, headers=modern_headers(message)) as stream:
            yield stream


class Stream:
    """Server-sent events, as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> dict[str, Any]:
        """The next message; comments are passed over."""
        for line in self._lines:
            if line.startswith("data: "):
                message: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return message
        raise EOFError

    def next_line(self) -> str:
        """The next line that is not empty."""
        return next(line for line in self._lines if line)

    def rest(self) -> list[dict[str, Any]]:
        """All messages until the stream ends."""
        messages = []
        while True:
            try:
                messages.append(self.next())
            except EOFError:
                return messages


@dataclass(frozen=True)
class Outcome:
    """What came of a tool call."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC response, from a body or from the end of a stream."""
        if self.response.headers["content-type"].startswith("text/event-stream"):
            return messages_in(self.response)[-1]
        parsed: dict[str, Any] = self.response.json()
        return parsed

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = self.message["result"]
        return result

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.message["error"]
        return error

    @property
    def text(self) -> str:
        return str(self.result["content"][0]["text"])

    @property
    def is_error(self) -> bool:
        return self.result.get("isError") is True

    @property
    def refusal(self) -> str:
        """The code of an `isError` result, which never carries structured content."""
        assert self.is_error, self.message
        assert "structuredContent" not in self.result
        return str(self.result["_meta"][REFUSAL]["code"])


def messages_in(response: httpx.Response) -> list[dict[str, Any]]:
    lines = response.text.splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def legacy(method: str, params: Any = None, *, id: Any = 1) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        message["id"] = id
    if params is not None:
        message["params"] = params
    return message


def modern(
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    capabilities: Mapping[str, Any] | None = None,
    id: Any = 1,
) -> dict[str, Any]:
    given = dict(params or {})
    envelope = {
        VERSION: MODERN,
        CAPABILITIES: dict(capabilities or {}),
        CLIENT: {"name": "tester", "version": "1"},
    }
    given["_meta"] = envelope | given.get("_meta", {})
    return legacy(method, given, id=id)


def modern_headers(message: Mapping[str, Any]) -> dict[str, str]:
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"]}
    if isinstance(name := message["params"].get("name"), str):
        headers["Mcp-Name"] = name
    return headers


def handshake(version: str, **capabilities: Any) -> dict[str, Any]:
    return {
        "protocolVersion": version,
        "capabilities": capabilities,
        "clientInfo": {"name": "tester", "version": "1"},
    }
