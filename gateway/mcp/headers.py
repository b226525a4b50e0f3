"""The headers of a call: those that must repeat its arguments, and those that are kept with its row."""

from collections.abc import Mapping
from typing import Any

import orjson
from mcp.shared.inbound import validate_mcp_param_headers, x_mcp_header_map

from gateway.identity.remembering import Remembered
from gateway.mcp.protocol import RpcError
from toolpacks.surfaces import SurfaceTool
from toolsets.confidential import MASK, is_telling

_MARK = "x-mcp-header"
_MOST_KEPT = 16
_LONGEST_KEPT = 256

_schemas: Remembered[str, Any] = Remembered(2_000)
_paths: Remembered[str, Mapping[tuple[str, ...], str]] = Remembered(2_000)


def header_paths(tool: SurfaceTool) -> Mapping[tuple[str, ...], str]:
    """Which arguments the upstream wants repeated in `Mcp-Param-*` headers, by their path."""
    if _MARK not in tool.parameters:
        return {}
    paths = _paths.get(tool.parameters)
    if paths is None:
        paths = x_mcp_header_map(_schema(tool))
        _paths.put(tool.parameters, paths)
    return paths


def check_param_headers(
    tool: SurfaceTool, arguments: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """Compare `Mcp-Param-*` headers with the arguments they repeat.

    Raises:
        RpcError: one is missing, or differs.
    """
    if _MARK not in tool.parameters:
        return
    rejection = validate_mcp_param_headers(_schema(tool), arguments, headers)
    if rejection is not None:
        raise RpcError(rejection.code, rejection.message, rejection.data)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The `X-*` headers that a call's row keeps; values whose name tells of a secret are masked."""
    kept: dict[str, str] = {}
    for name, value in headers.items():
        if name.startswith("x-") and len(kept) < _MOST_KEPT:
            kept[name[:_LONGEST_KEPT]] = (
                MASK if is_telling(name) else value[:_LONGEST_KEPT].replace("\0", "")
            )
    return kept


def _schema(tool: SurfaceTool) -> Any:
    schema = _schemas.get(tool.parameters)
    if schema is None:
        schema = orjson.loads(tool.parameters)
        _schemas.put(tool.parameters, schema)
    return schema
