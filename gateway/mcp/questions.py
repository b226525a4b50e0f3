"""What an upstream may ask of a caller, and how the question travels."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import Refused
from gateway.mcp.protocol import Client
from gateway.mcp.requests import AdmittedCall
from gateway.mcp.results import stamped
from gateway.mcp.states import sealed_state
from toolpacks.surfaces import SurfaceToolSet
from toolsets.adapters.calling import UpstreamMisbehaved

_INTERACTION = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
_MOST_ROUNDS = 20


class CannotAsk(Refused):
    """The upstream asks for something that this caller cannot be asked."""

    code = "input_required"


def relayed_capabilities(client: Client, tool_set: SurfaceToolSet) -> Mapping[str, Any]:
    """Exactly what the upstream may ask: what the caller declared and the tool set allows."""
    if not client.is_modern or not client.capabilities:
        return {}
    return {
        name: value
        for name, value in client.capabilities.items()
        if name in tool_set.interactions and isinstance(value, dict)
    }


def lacks(client: Client, missing: Any) -> bool:
    """Whether a client can be told which capability an upstream misses: it knows such errors, and did not declare it."""
    required = missing.get("requiredCapabilities") if isinstance(missing, dict) else {}
    if not client.is_modern or not isinstance(required, dict):
        return False
    return not required or any(name not in client.capabilities for name in required)


def question(
    result: Mapping[str, Any], call: AdmittedCall, *, call_id: str, round_number: int
) -> dict[str, Any]:
    """The upstream's `input_required` as the caller gets it, with our state around the upstream's.

    Raises:
        CannotAsk: the caller declared no such capability, or the tool set does not allow it.
        UpstreamMisbehaved: it asks nothing that the protocol knows, or asks without end.
    """
    requests = result.get("inputRequests") or {}
    state = result.get("requestState")
    if (
        not isinstance(requests, dict)
        or not (requests or state)
        or not isinstance(state, str | None)
    ):
        raise UpstreamMisbehaved(
            "The upstream asked for input without saying what for."
        )
    if round_number > _MOST_ROUNDS:
        raise UpstreamMisbehaved(
            f"The upstream asked for input more than {_MOST_ROUNDS} times in one call."
        )
    _check_askable(requests, call.capabilities)
    if not call.request.client.is_modern:
        raise CannotAsk(
            "The tool works in several rounds, which this client's protocol version does not know. Use a newer client."
        )
    asked: dict[str, Any] = {"resultType": "input_required"}
    if requests:
        asked["inputRequests"] = requests
    asked["requestState"] = sealed_state(
        call.binding, call_id=call_id, round_number=round_number, upstream_state=state
    )
    return stamped(asked, call.request.client)


def _check_askable(
    requests: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> None:
    for request in requests.values():
        method = request.get("method") if isinstance(request, dict) else None
        interaction = _INTERACTION.get(str(method))
        if interaction is None:
            raise UpstreamMisbehaved("The upstream asked for input of an unknown kind.")
        if not _may_ask(interaction, request, capabilities):
            raise CannotAsk(_told(interaction, request))


def _may_ask(
    interaction: str, request: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> bool:
    """Whether the capability was declared; for elicitation also the mode, of which forms are meant when none is named."""
    declared = capabilities.get(interaction)
    if declared is None or interaction != "elicitation":
        return declared is not None
    params = request.get("params")
    mode = params.get("mode", "form") if isinstance(params, dict) else "form"
    return isinstance(mode, str) and mode in (declared or {"form": {}})


def _told(interaction: str, request: Mapping[str, Any]) -> str:
    params = request.get("params")
    message = params.get("message") if isinstance(params, dict) else None
    words = f": {str(message)[:500]}" if message else ""
    return (
        f"The tool needs input that this client cannot be asked for ({interaction}){words}. "
        "Give it as an argument if the tool takes one, or use a client that supports it."
    )
