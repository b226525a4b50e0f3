"""Why an upstream's tools could not be listed. The `code` is the event's `errorType`.

ListingFailed (upstream_error)    the upstream answered with an error, or broke off
├── UpstreamNotReached (unreachable)
├── ListingTimedOut (timed_out)
├── CredentialNotAccepted (unauthorized)
├── AddressNotAllowed (address_refused)
├── NotFollowed (redirected)
├── NotAnMcpServer (not_mcp)         its answers are not MCP at all
├── ProtocolBroken (protocol_error)  it speaks MCP, but not as any revision allows
├── ListingInvalid (invalid_listing) what it listed cannot be read
├── DocumentInvalid (invalid_document) its OpenAPI document cannot be used as it stands
├── ServerNotConfirmed (server_not_confirmed) its OpenAPI document sends credentials elsewhere
├── ListingEmpty (empty_listing)
├── ListingTooLarge (too_large)
└── TooManyTools (too_many_tools)
"""

from gateway.errors import GatewayError


class ListingFailed(GatewayError):
    """The upstream answered with an error, or broke off."""

    code = "upstream_error"


class UpstreamNotReached(ListingFailed):
    """There is no connection to the upstream."""

    code = "unreachable"


class ListingTimedOut(ListingFailed):
    """The upstream took too long."""

    code = "timed_out"


class CredentialNotAccepted(ListingFailed):
    """The upstream wants another credential (HTTP 401 or 403)."""

    code = "unauthorized"


class AddressNotAllowed(ListingFailed):
    """The upstream's address is not one that may be connected to."""

    code = "address_refused"


class NotFollowed(ListingFailed):
    """The upstream redirects."""

    code = "redirected"


class NotAnMcpServer(ListingFailed):
    """The answers are not MCP."""

    code = "not_mcp"


class ProtocolBroken(ListingFailed):
    """The upstream speaks MCP, but not as any revision allows."""

    code = "protocol_error"


class ListingInvalid(ListingFailed):
    """The list cannot be read."""

    code = "invalid_listing"


class DocumentInvalid(ListingFailed):
    """The OpenAPI document cannot be used as it stands."""

    code = "invalid_document"


class ServerNotConfirmed(ListingFailed):
    """The OpenAPI document names a server that the operator did not, and credentials would go there."""

    code = "server_not_confirmed"


class ListingEmpty(ListingFailed):
    """The list holds no tool."""

    code = "empty_listing"


class ListingTooLarge(ListingFailed):
    """The list takes too many bytes."""

    code = "too_large"


class TooManyTools(ListingFailed):
    """The list holds too many tools."""

    code = "too_many_tools"


def listing_failed(code: str, message: str) -> ListingFailed:
    """The failure of the kind that has this code."""
    kinds = (ListingFailed, *ListingFailed.__subclasses__())
    kind = next((kind for kind in kinds if kind.code == code), ListingFailed)
    return kind(message)
