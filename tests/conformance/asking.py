"""The 2026-07-28 tools that need input first: each decides from what came back so far what to ask next, or answers."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, InputRequiredResult, TextContent

Asked = CallToolResult | InputRequiredResult
_KEY = secrets.token_bytes(32)
_ROOTS = {"method": "roots/list", "params": {}}


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one request of a tool that asks came with. `state` is what we sealed, opened again."""

    responses: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    def answered(self, key: str, member: str) -> Any:
        """A member of an accepted elicitation or of a sampled message."""
        content = self.responses.get(key, {}).get("content")
        return content.get(member) if isinstance(content, dict) else None


def answer(name: str, this: Round) -> Asked:
    """The result of the tool `name` for this round."""
    return _TOOLS[name.removeprefix("test_input_required_result_")](this)


def unseal(state: str | None) -> dict[str, Any] | None:
    """What `_ask` sealed into a state.

    Raises:
        MCPError: somebody else wrote it, or changed it.
    """
    if state is None:
        return None
    payload, _, signature = state.rpartition(".")
    if not hmac.compare_digest(signature, _signature(payload)):
        raise MCPError(INVALID_PARAMS, "requestState integrity check failed")
    opened: dict[str, Any] = json.loads(payload)
    return opened


def _signature(payload: str) -> str:
    return hmac.new(_KEY, payload.encode(), hashlib.sha256).hexdigest()


def _ask(requests: dict[str, Any], state: dict[str, Any] | None = None) -> Asked:
    sealed = json.dumps(state) if state else ""
    return InputRequiredResult.model_validate(
        {
            "inputRequests": requests,
            **({"requestState": f"{sealed}.{_signature(sealed)}"} if state else {}),
        }
    )


def _elicit(message: str, member: str, kind: str = "string") -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {member: {"type": kind}},
        "required": [member],
    }
    return {
        "method": "elicitation/create",
        "params": {"mode": "form", "message": message, "requestedSchema": schema},
    }


def _sample(text: str) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {
        "method": "sampling/createMessage",
        "params": {"messages": [message], "maxTokens": 50},
    }


def _say(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)])


def _elicitation(this: Round) -> Asked:
    name = this.answered("user_name", "name")
    if not isinstance(name, str):
        return _ask({"user_name": _elicit("What is your name?", "name")})
    return _say(f"Hello, {name}!")


def _sampling(this: Round) -> Asked:
    if "sample_request" not in this.responses:
        return _ask({"sample_request": _sample("What is the capital of France?")})
    return _say(f"Sampling result: {this.answered('sample_request', 'text')}")


def _list_roots(this: Round) -> Asked:
    if "roots_request" not in this.responses:
        return _ask({"roots_request": _ROOTS})
    return _say(
        f"Found {len(this.responses['roots_request'].get('roots', []))} root(s)"
    )


def _request_state(this: Round) -> Asked:
    if this.state and this.answered("confirm", "ok") is True:
        return _say("state-ok: requestState validated")
    question = _elicit("Please confirm", "ok", "boolean")
    return _ask({"confirm": question}, {"kind": "request-state"})


def _multiple_inputs(this: Round) -> Asked:
    if (
        this.state
        and {"user_name", "greeting", "client_roots"} <= this.responses.keys()
    ):
        roots = this.responses["client_roots"].get("roots", [])
        return _say(
            f"Name: {this.answered('user_name', 'name')}; "
            f"Greeting: {this.answered('greeting', 'text')}; Roots: {len(roots)}"
        )
    requests = {
        "user_name": _elicit("What is your name?", "name"),
        "greeting": _sample("Generate a greeting"),
        "client_roots": _ROOTS,
    }
    return _ask(requests, {"kind": "multiple-inputs"})


def _multi_round(this: Round) -> Asked:
    match this.state, this.responses:
        case {"round": 1}, {"step1": _}:
            name = this.answered("step1", "name")
            question = _elicit("Step 2: What is your favourite colour?", "color")
            return _ask({"step2": question}, {"round": 2, "name": name})
        case {"round": 2, "name": name}, {"step2": _}:
            return _say(
                f"Multi-round complete for {name} who likes {this.answered('step2', 'color')}"
            )
        case _:
            return _ask(
                {"step1": _elicit("Step 1: What is your name?", "name")}, {"round": 1}
            )


def _tampered_state(this: Round) -> Asked:
    if this.state and "confirm" in this.responses:
        return _say("integrity-ok: state verified")
    question = _elicit("Please confirm", "ok", "boolean")
    return _ask({"confirm": question}, {"kind": "tamper-test"})


def _capabilities(this: Round) -> Asked:
    if this.responses:
        return _say(f"capabilities-ok: received {','.join(this.responses)}")
    requests = {}
    if "elicitation" in this.capabilities:
        requests["elicit_input"] = _elicit("Elicitation input", "value")
    if "sampling" in this.capabilities:
        requests["sample_input"] = _sample("Sample request")
    if not requests:
        return _say("No supported capabilities declared")
    return _ask(requests, {"kind": "capabilities-test"})


_TOOLS: dict[str, Callable[[Round], Asked]] = {
    "elicitation": _elicitation,
    "sampling": _sampling,
    "list_roots": _list_roots,
    "request_state": _request_state,
    "multiple_inputs": _multiple_inputs,
    "multi_round": _multi_round,
    "tampered_state": _tampered_state,
    "capabilities": _capabilities,
}
