"""What an upstream's answers may not do: be too large, or lead elsewhere."""

from gateway.errors import GatewayError


class ResponseTooLarge(GatewayError):
    """The upstream sent more bytes than one conversation may take."""

    code = "too_large"


class RedirectRefused(GatewayError):
    """The upstream answered with a redirect that is not followed."""

    code = "redirected"


def shown(location: str) -> str:
    """An address without what may be secret in it."""
    return location.partition("?")[0].partition("#")[0].rpartition("@")[2][:200]
