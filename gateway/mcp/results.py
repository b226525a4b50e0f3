"""Fits an upstream's result to what the caller's revision knows, and turns errors into results a model can act on."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.mcp.protocol import REFUSAL_KEY, SERVER_INFO, SERVER_KEY, Client
from toolsets.adapters.calling import UpstreamMisbehaved

UNEXPECTED_ANSWER = "unexpected_answer"
_OURS = "dev.toolcrib/"
_STRUCTURED_SINCE = _LINKS_SINCE = "2025-06-18"
_ANY_STRUCTURE_SINCE = "2026-07-28"
_MEMBERS: Mapping[str, Mapping[str, type]] = {
    "text": {"text": str},
    "image": {"data": str, "mimeType": str},
    "audio": {"data": str, "mimeType": str},
    "resource": {"resource": dict},
    "resource_link": {"uri": str, "name": str},
}
"""What each kind of content must hold, so that no client stumbles over it."""


def fitted(result: dict[str, Any], client: Client) -> dict[str, Any]:
    """The upstream's result in the caller's revision; what that does not know is left out or becomes text.

    Raises:
        UpstreamMisbehaved: it is no tool result.
    """
    content = result.get("content")
    if not isinstance(content, list):
        raise UpstreamMisbehaved(
            "The upstream's answer is not a tool result: it has no content."
        )
    fit: dict[str, Any] = {"content": [_block(block, client) for block in content]}
    if "structuredContent" in result:
        structured = result["structuredContent"]
        if _knows_structure(structured, client):
            fit["structuredContent"] = structured
        elif not content:  # what the revision does not know becomes text
            fit["content"] = [_as_text(structured)]
    if result.get("isError") is True:
        fit["isError"] = True
    return stamped(fit, client, meta=_foreign_meta(result))


def unexpected(result: dict[str, Any], found: str, client: Client) -> dict[str, Any]:
    """The result of a call that was executed, as an error: what is wrong with it, then its content, and no structure."""
    said = (
        "The call was executed and the API says that it succeeded, but its answer is not what this tool promises: "
        f"{found}. Do not repeat the call because of this. The answer follows as it came."
    )
    content = [{"type": "text", "text": said}, *result["content"]]
    return stamped(
        {"content": content, "isError": True},
        client,
        meta={REFUSAL_KEY: {"code": UNEXPECTED_ANSWER}},
    )


def encoded(result: Any) -> bytes:
    """The result, or a part of it, as JSON.

    Raises:
        UpstreamMisbehaved: it is nested too deeply to be written.
    """
    try:
        return orjson.dumps(result)
    except TypeError as exc:
        raise UpstreamMisbehaved(
            "The upstream's answer is nested too deeply to be passed on."
        ) from exc


def stamped(
    result: dict[str, Any], client: Client, *, meta: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The result with what every result of the caller's revision carries."""
    own = dict(meta or {})
    if client.is_modern:
        result.setdefault("resultType", "complete")
        own[SERVER_KEY] = SERVER_INFO
    if own:
        result["_meta"] = own
    return result


def refusal(error: GatewayError, client: Client) -> dict[str, Any]:
    """The result that stands for whatever stopped a call: one text for the model, one code for programs."""
    return stamped(
        {"content": [{"type": "text", "text": error.message}], "isError": True},
        client,
        meta={REFUSAL_KEY: {"code": error.code}},
    )


def _foreign_meta(result: dict[str, Any]) -> dict[str, Any]:
    """The upstream's `_meta`, less the keys that are ours: an upstream may not speak with our voice."""
    meta = result.get("_meta")
    if not isinstance(meta, dict):
        return {}
    return {
        key: value
        for key, value in meta.items()
        if not key.startswith(_OURS) and key != SERVER_KEY
    }


def _knows_structure(structured: Any, client: Client) -> bool:
    return client.knows(_ANY_STRUCTURE_SINCE) or (
        client.knows(_STRUCTURED_SINCE) and isinstance(structured, dict)
    )


def _block(block: Any, client: Client) -> Any:
    kind = block.get("type") if isinstance(block, dict) else None
    members = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None:
        raise UpstreamMisbehaved(
            "The upstream's answer holds content of an unknown kind."
        )
    for name, expected in members.items():
        if not isinstance(block.get(name), expected):
            raise UpstreamMisbehaved(
                f"The upstream's answer holds content of kind {kind} without {name}."
            )
    if kind == "resource_link" and not client.knows(_LINKS_SINCE):
        return _as_text(block)
    return block


def _as_text(value: Any) -> dict[str, str]:
    return {"type": "text", "text": encoded(value).decode()}
