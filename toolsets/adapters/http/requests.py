"""A request to an HTTP API as it goes out, every part of it encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gateway.errors import Refused


class RequestRefused(Refused):
    """These arguments make no request that may be sent; the message says which part and why."""

    code: ClassVar[str] = "request_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingRequest:
    """What is sent: `url` absolute and encoded, `headers` all of them but those that the connection or the body sets.

    `content_type` is that of `body`; both are empty for a request without a body. Where `is_confirmed` is false, no operator
    named the host, but a document from elsewhere: such a request goes to public addresses only.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    is_confirmed: bool = True


def overridden(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The headers of a tool set with those of a tool in place of its own of the same name, in whatever case."""
    names = {name.lower() for name in own}
    kept = {name: value for name, value in headers.items() if name.lower() not in names}
    return {**kept, **own}


def sent_headers(outgoing: OutgoingRequest) -> dict[str, str]:
    """The headers of a request, and those that we add where it has none of its own."""
    added = {"User-Agent": "toolcrib", "Accept": "*/*"}
    headers = overridden(added, outgoing.headers)
    if outgoing.content_type:
        headers["Content-Type"] = outgoing.content_type
    return headers
