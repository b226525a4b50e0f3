"""The adapter for upstreams that speak MCP: their tools are listed by the SDK, their calls forwarded by our own client."""
