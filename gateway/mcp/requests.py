"""What a caller asks for, and what it becomes once every check has let it through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.mcp.access import Access, Door, Visit
from gateway.mcp.protocol import Client
from gateway.mcp.running import RunningCall
from gateway.mcp.states import Binding, OpenedState
from toolpacks.surfaces import SurfaceTool
from toolsets.adapters.calling import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRequest:
    """What a caller asks for.

    `visit` may be what was true a moment ago; `access` tells what is true now.
    """

    access: Access
    door: Door
    visit: Visit
    client: Client
    name: str
    arguments: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    running: RunningCall
    input_responses: Mapping[str, Any] | None = field(default=None, repr=False)
    request_state: Any = field(default=None, repr=False)
    on_progress: Callable[[dict[str, Any]], None] | None = None
    argument_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmittedCall:
    """A call that every check has let through. Only `calls.admit` builds one."""

    request: CallRequest
    visit: Visit
    tool: SurfaceTool
    target: Target = field(repr=False)
    binding: Binding
    state: OpenedState | None
    capabilities: Mapping[str, Any]
