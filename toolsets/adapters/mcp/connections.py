"""Connections over which an upstream's tools are listed: the SDK's client, watched for what the SDK does not tell."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import anyio
import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from gateway import network
from gateway.errors import GatewayError
from toolsets.adapters.failures import (
    AddressNotAllowed,
    CredentialNotAccepted,
    ListingFailed,
    ListingInvalid,
    ListingTimedOut,
    ListingTooLarge,
    NotAnMcpServer,
    NotFollowed,
    ProtocolBroken,
    UpstreamNotReached,
)

STREAMABLE_HTTP = "streamable-http"
SSE = "sse"

_CONNECT_SECONDS = 10.0
_TRANSPORT_UNKNOWN = frozenset({400, 404, 405, 406, 415, 501})
_CLIENT_INFO = mcp_types.Implementation(name="toolcrib", version="0.1.0")

_ANTICIPATED = (
    GatewayError,
    MCPError,
    ValidationError,
    httpx2.HTTPError,
    httpx2.StreamError,
    httpx2.SSEError,
    httpx2.InvalidURL,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    OSError,
    RuntimeError,
    ValueError,
)

_Message = SessionMessage | Exception
_Streams = tuple[Any, Any]


class ListingConnection:
    """One upstream, reached over one transport or the other, with a witness of its answers."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        networks: Sequence[str],
        timeout_seconds: float,
        max_bytes: int,
    ) -> None:
        self._url = url
        self._headers = headers
        self._networks = networks
        self._timeout = timeout_seconds
        self._max_bytes = max_bytes
        self._raw_tools: list[Any] = []
        self._posts: list[int] = []
        self.status = 0
        self.content_type = ""
        self.transport = STREAMABLE_HTTP
        self.is_open = False

    @asynccontextmanager
    async def streamable_http(self) -> AsyncIterator[Client]:
        """A client over streamable HTTP, of the newest era that the upstream speaks."""
        async with self._http_client() as http:
            streams = streamable_http_client(
                self._url, http_client=http, max_sse_event_size=self._max_bytes
            )
            async with self._client(streams, mode="auto") as client:
                yield client

    @asynccontextmanager
    async def sse(self) -> AsyncIterator[Client]:
        """A client over HTTP+SSE, the transport before streamable HTTP."""
        self.transport = SSE
        self.is_open = False
        streams = sse_client(
            self._url,
            sse_read_timeout=self._timeout,
            httpx_client_factory=lambda *_, **__: self._http_client(),
        )
        async with self._client(streams, mode="legacy") as client:
            yield client

    def may_speak_only_sse(self) -> bool:
        """Whether the upstream turned the first POSTs away in the way servers do that have only the older transport."""
        return bool(self._posts) and set(self._posts) <= _TRANSPORT_UNKNOWN

    def raw_tools(self) -> list[Any]:
        """The tools of the page that came last, as they came; they are handed over once."""
        taken, self._raw_tools = self._raw_tools, []
        return taken

    def _http_client(self) -> httpx2.AsyncClient:
        return network.sync_client(
            headers=self._headers,
            networks=self._networks,
            timeout_seconds=self._timeout,
            connect_seconds=min(_CONNECT_SECONDS, self._timeout),
            max_bytes=self._max_bytes,
            on_response=self._witness,
        )

    def _client(
        self, streams: AbstractAsyncContextManager[_Streams], *, mode: str
    ) -> Client:
        return Client(
            self._watched(streams), mode=mode, client_info=_CLIENT_INFO, cache=None
        )

    @asynccontextmanager
    async def _watched(
        self, streams: AbstractAsyncContextManager[_Streams]
    ) -> AsyncIterator[_Streams]:
        async with streams as (incoming, outgoing):
            self.is_open = True
            yield _ToolsSetAside(incoming, self._set_aside), outgoing

    def _set_aside(self, tools: list[Any]) -> None:
        self._raw_tools = tools

    async def _witness(self, response: httpx2.Response) -> None:
        if response.request.method != "POST":
            return
        self._posts.append(response.status_code)
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0]


class _ToolsSetAside:
    """Messages from an upstream, with each list of tools taken out.

    The SDK would judge a page as a whole and drop it for one bad tool; what it gets is the page without its tools.
    """

    def __init__(self, inner: Any, set_aside: Any) -> None:
        self._inner = inner
        self._set_aside = set_aside

    @property
    def last_context(self) -> Any:
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> _Message:
        return self._without_tools(await self._inner.receive())

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Message:
        return self._without_tools(await self._inner.__anext__())

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        closed: bool | None = await self._inner.__aexit__(kind, exc, trace)
        return closed

    def _without_tools(self, received: _Message) -> _Message:
        message = getattr(received, "message", None)
        if isinstance(message, mcp_types.JSONRPCResponse) and isinstance(
            tools := message.result.get("tools"), list
        ):
            self._set_aside(tools)
            message.result = {**message.result, "tools": []}
        return received


@contextlib.contextmanager
def failures_named(connection: ListingConnection) -> Iterator[None]:
    """Turn whatever the client raises, groups included, into one `ListingFailed`.

    Raises:
        ListingFailed: of the kind that tells an operator what to do.
    """
    try:
        yield
    except (ExceptionGroup, *_ANTICIPATED) as exc:
        failures = sorted(_leaves(exc), key=_weight)
        if not all(isinstance(failure, _ANTICIPATED) for failure in failures):
            raise
        raise _named(failures[0], connection) from failures[0]


def _leaves(failure: Exception) -> Iterator[Exception]:
    if not isinstance(failure, ExceptionGroup):
        yield failure
        return
    for inner in failure.exceptions:
        yield from _leaves(inner)


def _weight(failure: Exception) -> int:
    """What explains most comes first: our own verdict, then the network's, then the protocol's."""
    kinds = (GatewayError, httpx2.HTTPError, ValidationError, MCPError)
    return next((i for i, kind in enumerate(kinds) if isinstance(failure, kind)), 9)


def _named(failure: Exception, connection: ListingConnection) -> ListingFailed:
    match failure:
        case ListingFailed():
            return failure
        case network.AddressRefused():
            return AddressNotAllowed(failure.message)
        case network.ResponseTooLarge():
            return ListingTooLarge(failure.message)
        case network.RedirectRefused():
            return NotFollowed(failure.message)
        case httpx2.SSEError() if "byte limit" in str(failure):
            return ListingTooLarge("The upstream sent one event that is too large.")
        case httpx2.ConnectTimeout():
            return UpstreamNotReached("The upstream did not accept a connection.")
        case httpx2.TimeoutException() | TimeoutError():
            return ListingTimedOut("The upstream stopped answering.")
        case httpx2.ConnectError() | httpx2.UnsupportedProtocol():
            return UpstreamNotReached(f"There is no connection to it: {_said(failure)}")
        case httpx2.TransportError() | OSError():
            return ListingFailed("The upstream closed the connection while answering.")
    return _named_by_answer(failure, connection)


def _named_by_answer(
    failure: Exception, connection: ListingConnection
) -> ListingFailed:
    status = connection.status
    if isinstance(failure, httpx2.HTTPStatusError):
        status = failure.response.status_code
    if status in {401, 403}:
        return CredentialNotAccepted(
            f"The upstream answered HTTP {status}: it wants a credential, or another one. "
            "Look at the tool set's headers and the secrets they name."
        )
    if status >= 500 or status == 429:
        return ListingFailed(f"The upstream answered HTTP {status}.")
    if status >= 400 and connection.content_type != "application/json":
        return NotAnMcpServer(
            f"The upstream answered HTTP {status}, so there is no MCP server at this address. Look at the URL."
        )
    if isinstance(failure, ValidationError):
        return ListingInvalid(
            f"The upstream's answer has the wrong shape: {_first_fault(failure)}"
        )
    if isinstance(failure, MCPError):
        return _named_by_code(failure, connection)
    return ProtocolBroken(f"The upstream broke the protocol: {_said(failure)}")


def _named_by_code(failure: MCPError, connection: ListingConnection) -> ListingFailed:
    said = _said(failure)
    if failure.code == mcp_types.PARSE_ERROR or said.startswith("Unexpected content"):
        return NotAnMcpServer(
            "The upstream did not answer with MCP messages "
            f"(content type {connection.content_type[:80] or 'missing'}). Look at the URL."
        )
    if "byte limit" in said:
        return ListingTooLarge("The upstream sent one event that is too large.")
    if failure.code == mcp_types.REQUEST_TIMEOUT:
        return ListingTimedOut("The upstream stopped answering.")
    if failure.code == mcp_types.CONNECTION_CLOSED:
        return ListingFailed("The upstream broke off before it had answered.")
    return ListingFailed(f"The upstream answered with an error: {said}")


def _first_fault(failure: ValidationError) -> str:
    fault = failure.errors(include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, fault['loc']))[:100]}: {fault['msg'][:200]}"


def _said(failure: Exception) -> str:
    return (" ".join(str(failure).split()) or type(failure).__name__)[:200]
