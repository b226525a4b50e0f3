"""What HTTP says of its methods, as the hints of a tool."""

from collections.abc import Mapping
from typing import Any

_READS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True}
_WRITES: Mapping[str, Mapping[str, Any]] = {
    "PUT": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True},
    "DELETE": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True},
    "PATCH": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False},
    "POST": {"readOnlyHint": False, "idempotentHint": False},
}


def hints_of(method: str) -> dict[str, Any]:
    """The annotations of a tool that is one request. A POST may do anything: nothing is promised of what it destroys."""
    return dict(_WRITES.get(method.upper(), _READS))
