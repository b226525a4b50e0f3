"""The HTTP side of the door: the token that a request shows, and how one is turned away before JSON-RPC begins."""

from collections.abc import Mapping

from gateway.errors import GatewayError
from gateway.identity.keys import TokenInvalid
from gateway.mcp.access import KeyNotAllowed, NotHere
from gateway.mcp.http import HttpError

_CHALLENGE = [(b"www-authenticate", b'Bearer realm="toolcrib", error="invalid_token"')]


def bearer(headers: Mapping[str, str]) -> str:
    """The token of the request.

    Raises:
        HttpError: 401, there is none.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise HttpError(
            401,
            "invalid_token",
            "Send an API key as Authorization: Bearer.",
            _CHALLENGE,
        )
    return token.strip()


def turned_away(error: GatewayError) -> HttpError:
    """How what `Access` raises leaves: before JSON-RPC, with an HTTP status."""
    match error:
        case TokenInvalid():
            return HttpError(401, error.code, error.message, _CHALLENGE)
        case KeyNotAllowed():
            return HttpError(403, error.code, error.message)
        case NotHere():
            return HttpError(404, error.code, error.message)
        case _:
            return HttpError(503, error.code, error.message, [(b"retry-after", b"2")])
