"""An upstream that changes between two calls: agents see its new tools without anybody asking for a sync."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from mcp.server.mcpserver import Context, MCPServer

from tests.mcp.conftest import SetUp, wait_until
from tests.upstreams import App, handshake_only
from toolsets.models import SyncState
from toolsets.sync import Result, run_sync


def workshop() -> MCPServer:
    """The SDK's server, to which a call of `learn` adds a tool. It tells who listens, in either era."""
    server = MCPServer("workshop")

    def saw() -> str:
        """Saws."""
        return "sawn"

    @server.tool()
    async def learn(context: Context[Any, Any]) -> str:
        """Learns to saw."""
        server.add_tool(saw)
        await context.session.send_tool_list_changed()
        await context.notify_tools_changed()
        return "learnt"

    return server


@pytest.mark.parametrize("is_modern", [True, False], ids=["modern", "handshake"])
def test_tool_that_an_upstream_announces_is_listed(
    set_up: SetUp, is_modern: bool
) -> None:
    app: App = workshop().streamable_http_app()
    bench = set_up(app if is_modern else handshake_only(app))
    state = SyncState.objects.filter(tool_set=bench.tool_set)
    state.update(last_succeeded_at=timezone.now() - timedelta(minutes=5))

    def is_heard() -> bool:
        """The first announcement may come before the gateway listens."""
        assert not bench.agent.call("learn").is_error
        return state.filter(due_at__lte=timezone.now()).exists()

    wait_until(is_heard)
    assert run_sync(bench.tool_set.pk).result is Result.COMPLETED

    assert {tool["name"] for tool in bench.agent.tools()} == {"learn", "saw"}
