"""HTTP with one upstream under one credential: the connections and headers of a session."""

import asyncio

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gateway.network import forwarding_client
from toolsets.adapters.calling import Target, UpstreamLost
from toolsets.adapters.mcp.errands import Errands
from toolsets.adapters.sending import http_url, send_over

_NOT_THE_OPERATORS = ("connection", "content-length", "transfer-encoding")
_DRAIN_BYTES = 65_536


class Exchange:
    """The connections and headers of one upstream session; nothing here is shared with another."""

    def __init__(self, target: Target, *, connect_seconds: float) -> None:
        self.url = http_url(target.url)
        self.headers = _headers(target)
        self.errands = Errands()
        self._target = target
        self._connect_seconds = connect_seconds
        self._client = self._new_client()
        self._retired: list[aiohttp.ClientSession] = []

    def apart(self) -> "Exchange":
        """Connections of its own to the same upstream, with the same headers."""
        return Exchange(self._target, connect_seconds=self._connect_seconds)

    def _new_client(self) -> aiohttp.ClientSession:
        return forwarding_client(
            networks=self._target.networks,
            max_connections=0,
            connect_seconds=self._connect_seconds,
        )

    async def post(
        self, body: bytes, headers: CIMultiDict[str], url: URL | None = None
    ) -> aiohttp.ClientResponse:
        """Send one message; the caller closes the response, or reads it to its end.

        Raises:
            UpstreamUnreachable: nothing was sent.
            UpstreamLost: the connection broke before an answer came.
            UpstreamMisbehaved: the answer was not HTTP.
            AddressRefused: the guard does not let us connect there.
        """
        return await self.send("POST", headers, body=body, url=url)

    async def send(
        self,
        method: str,
        headers: CIMultiDict[str],
        *,
        body: bytes | None = None,
        url: URL | None = None,
    ) -> aiohttp.ClientResponse:
        """Any method, with the errors of `post`."""
        client = self._client
        try:
            return await send_over(
                client, method, url or self.url, headers=headers, body=body
            )
        except UpstreamLost:
            self._retire(client)
            raise

    async def notify(
        self,
        method: str,
        headers: CIMultiDict[str],
        *,
        body: bytes | None = None,
        url: URL | None = None,
    ) -> int:
        """Send what has no answer, and give the HTTP status; the errors of `post`."""
        response = await self.send(method, headers, body=body, url=url)
        self.settle(response)
        return response.status

    def _retire(self, client: aiohttp.ClientSession) -> None:
        """One connection turned out to be stale: leave the idle ones beside it behind as well."""
        if client is self._client and not client.closed:
            self._client = self._new_client()
            self._retired.append(client)

    @property
    def has_retired(self) -> bool:
        return bool(self._retired)

    async def close_retired(self) -> None:
        """Call it when no request is under way."""
        while self._retired:
            await self._retired.pop().close()

    def settle(self, response: aiohttp.ClientResponse) -> None:
        """The answer came, but not yet the end of its stream: read on, so that the connection can be used again."""
        if not response.closed:
            self.errands.run(_drain(response))

    async def aclose(self) -> None:
        await self.errands.finish(seconds=1.0)
        await self.close_retired()
        await self._client.close()


def _headers(target: Target) -> CIMultiDict[str]:
    headers = CIMultiDict({"User-Agent": "toolcrib"})
    headers.update(target.headers)
    for name in list(headers):
        if name.lower() in _NOT_THE_OPERATORS or name.lower().startswith("mcp-"):
            del headers[name]
    headers["Content-Type"] = "application/json"
    headers["Accept"] = "application/json, text/event-stream"
    return headers


async def _drain(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(1.0):
            left = _DRAIN_BYTES
            while left > 0 and (chunk := await response.content.readany()):
                left -= len(chunk)
    finally:
        response.close()
