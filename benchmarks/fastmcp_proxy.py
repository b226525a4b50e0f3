"""A FastMCP proxy in front of one upstream. Runs in FastMCP's own environment, so it imports nothing of ours.

`python fastmcp_proxy.py fresh|reused <upstream url> <port>`: as it comes, or with its fastest settings (one connected
client that every request reuses, JSON answers, no server-side sessions).
"""

import sys

import uvloop
from fastmcp import Client  # type: ignore[import-not-found]  # not in our environment
from fastmcp.server import create_proxy  # type: ignore[import-not-found]  # the same


async def serve_fresh(url: str, port: int) -> None:
    proxy = create_proxy(url, name="bench")
    await proxy.run_http_async(
        host="127.0.0.1", port=port, show_banner=False, log_level="error"
    )


async def serve_reused(url: str, port: int) -> None:
    async with Client(url, mode="legacy") as client:
        proxy = create_proxy(client, name="bench")
        await proxy.run_http_async(
            host="127.0.0.1",
            port=port,
            show_banner=False,
            log_level="error",
            json_response=True,
        )


if __name__ == "__main__":
    way, upstream, listen = sys.argv[1:]
    serve = {"fresh": serve_fresh, "reused": serve_reused}[way]
    uvloop.run(serve(upstream, int(listen)))
