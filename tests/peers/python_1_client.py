"""A session of the newest mcp 1.x SDK: list, call, be refused twice, and call again. Runs in that SDK's environment."""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, key: str, tool: str, arguments: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        streamablehttp_client(url, headers=headers) as (incoming, outgoing, _),
        ClientSession(incoming, outgoing) as session,
    ):
        agreed = await session.initialize()
        listed = await session.list_tools()
        first = await session.call_tool(tool, arguments)
        try:
            await session.call_tool("nobody__listed_this", {})
            refused = {}
        except McpError as exc:
            refused = {"code": exc.error.code, "data": exc.error.data}
        wrong = await session.call_tool(tool, {"unexpected": [1]})
        again = await session.call_tool(tool, arguments)
    json.dump(
        {
            "version": agreed.protocolVersion,
            "tools": [one.name for one in listed.tools],
            "first": first.content[0].text,
            "refused": refused,
            "wrong": wrong.isError,
            "again": again.content[0].text,
        },
        sys.stdout,
    )


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])))
