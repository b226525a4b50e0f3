"""The outbound guard: which addresses a client may connect to, and the only builders of HTTP clients.

Names are resolved once, every address is judged at the socket (so IP literals are too), and the connection goes to
exactly an address that was judged, if need be through the installation's proxy. Clients carry no person: no cookie jar, no
stored auth, nothing from the environment. Redirects are not followed, except by `fetch`, which judges each anew.
"""

from gateway.network.bounds import RedirectRefused, ResponseTooLarge
from gateway.network.fetching import (
    FetchAnswered,
    Fetched,
    FetchFailed,
    FetchTimedOut,
    fetch,
)
from gateway.network.forwarding import forwarding_client
from gateway.network.guard import AddressRefused, Guard
from gateway.network.proxies import use_proxy
from gateway.network.syncing import sync_client

__all__ = [
    "AddressRefused",
    "FetchAnswered",
    "FetchFailed",
    "FetchTimedOut",
    "Fetched",
    "Guard",
    "RedirectRefused",
    "ResponseTooLarge",
    "fetch",
    "forwarding_client",
    "sync_client",
    "use_proxy",
]
