"""The private networks that a tool set may be allowed to reach."""

import ipaddress
from typing import Any

from django.core.exceptions import ValidationError

_MOST = 20
_WIDEST = {4: 8, 6: 16}
_NEVER = [
    ipaddress.ip_network(network)
    for network in (
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "192.0.0.192/32",
        "64:ff9b::/47",  # each of them again, through NAT64
        "2002::/16",  # and through 6to4
        "fd00:ec2::/32",
        "fd20:ce::/32",
        "fe80::/10",
    )
]
"""Where clouds answer with the credentials of the machine: only the installation's settings can open these."""


def validate_networks(networks: Any) -> None:
    """Judge the networks of one tool set.

    Raises:
        ValidationError: one of them cannot be allowed, or it is not a list of networks.
    """
    if not isinstance(networks, list) or len(networks) > _MOST:
        raise ValidationError(
            f"Give a list of at most {_MOST} networks such as 10.20.0.0/16."
        )
    for network in networks:
        _check(network)


def _check(text: Any) -> None:
    try:
        network = ipaddress.ip_network(text if isinstance(text, str) else "")
    except ValueError as exc:
        raise ValidationError(
            f"{str(text)[:60]!r} is not a network such as 10.20.0.0/16."
        ) from exc
    if network.prefixlen < _WIDEST[network.version]:
        raise ValidationError(f"{text} is too wide: name the networks that are needed.")
    if any(
        network.version == never.version and network.overlaps(never) for never in _NEVER
    ):
        raise ValidationError(
            f"{text} holds addresses where clouds hand out credentials; a tool set cannot be allowed to reach them."
        )
