"""Surfaces made by hand, for what is decided from plain values."""

from collections.abc import Mapping
from typing import Any

from toolpacks.surfaces import PackSurface, SurfaceTool, SurfaceToolSet


def surface_tool(name: str, **members: Any) -> SurfaceTool:
    return SurfaceTool(
        **{
            "wire_name": name,
            "tool_id": f"tool_{name}",
            "upstream_name": name,
            "title": "",
            "description": "",
            "parameters": '{"type": "object"}',
            "output_schema": "",
            "annotations": "",
            "config": "",
            "fingerprint": "",
            "requires_approval": False,
            "tool_set": surface_set(),
            **members,
        }
    )


def surface_set(**members: Any) -> SurfaceToolSet:
    return SurfaceToolSet(
        **{
            "tool_set_id": "ts_1",
            "name": "Tools",
            "adapter_type": "mcp",
            "networks": (),
            "url": "http://127.0.0.1:1/mcp",
            "headers": {},
            "adapter_version": 1,
            "credential_generation": 0,
            "interactions": frozenset({"elicitation"}),
            "protocol_version": "",
            "transport": "",
            **members,
        }
    )


def surface(
    *listed: SurfaceTool, tools: Mapping[str, SurfaceTool] | None = None
) -> PackSurface:
    if tools is None:
        tools = {tool.wire_name: tool for tool in listed}
    return PackSurface(
        number=1,
        tool_sets=("ts_1",),
        set_numbers=(1,),
        workspace_id="ws_1",
        pack_id="pack",
        name="Pack",
        is_granted_only=False,
        limited_keys=frozenset(),
        tools=tools,
        size=4 * sum(tools[name].size for name in tools),
    )
