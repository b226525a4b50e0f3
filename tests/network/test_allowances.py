"""Private networks that an operator allowed: for the tool sets that they were allowed to, and no others."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from pytest_django import Settings

from gateway.environment import networks
from gateway.network import AddressRefused
from tests.network.clients import CLIENTS, Reach
from tests.toolsets.adapters.forwarding import (
    MODERN,
    Scripted,
    as_json,
    forwarding,
    request,
    result,
    target,
)
from tests.upstreams import served
from toolsets.adapters.calling import Target
from toolsets.adapters.forwarding import Forwarder
from toolsets.models import ToolSet

INSIDE = ("127.0.0.0/8",)
CONFIG = json.dumps({"requestMethod": "GET", "path": ""})

both_adapters = pytest.mark.parametrize("adapter", ["mcp", "http"])


def answering() -> Scripted:
    return Scripted(
        lambda post: as_json(result(post, content=[]) if post.message else {})
    )


def held_by(tool_set: str, url: str, adapter: str, version: int = 1) -> Target:
    return target(
        url,
        adapter=adapter,
        key=(tool_set, version, "", 0),
        protocol_version=MODERN,
        networks=INSIDE,
    )


async def is_refused(forwarder: Forwarder, to: Target) -> bool:
    try:
        await forwarder.call(to, request(config=CONFIG))
    except AddressRefused:
        return True
    return False


def outcomes(targets: Callable[[str], list[Target]], upstream: Scripted) -> list[bool]:
    """Whether each call is refused, when they are made one after the other by one forwarder."""

    async def scene(forwarder: Forwarder) -> list[bool]:
        return [await is_refused(forwarder, to) for to in targets(at.url())]

    with served(upstream) as at:
        return forwarding(scene)


@both_adapters
def test_an_allowance_of_one_set_serves_no_other_while_its_connection_is_open(
    adapter: str,
) -> None:
    upstream = answering()

    def targets(url: str) -> list[Target]:
        allowed = held_by("ts_1", url, adapter)
        other = replace(allowed, key=("ts_2", 1, "", 0), networks=())
        return [other, allowed, other, allowed, other]

    refused = outcomes(targets, upstream)

    assert refused == [True, False, True, False, True]
    assert len(upstream.posts) == 2


@both_adapters
def test_an_allowance_that_was_taken_back_ends_with_the_version(adapter: str) -> None:
    upstream = answering()

    def targets(url: str) -> list[Target]:
        allowed = held_by("ts_1", url, adapter)
        return [allowed, replace(allowed, key=("ts_1", 2, "", 0), networks=())]

    assert outcomes(targets, upstream) == [False, True]
    assert len(upstream.posts) == 1


@pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)
@pytest.mark.parametrize(
    ("allowed", "is_reached"),
    [
        (INSIDE, True),
        (("10.0.0.0/8", "127.0.0.1/32"), True),
        (("::ffff:127.0.0.1/128",), False),
        (("127.0.0.0/32",), False),
        (("10.0.0.0/8",), False),
    ],
)
def test_every_client_keeps_to_what_was_allowed(
    allowed: tuple[str, ...], is_reached: bool, reach: Reach
) -> None:
    upstream = Scripted(lambda _: as_json({}, status=503))

    with served(upstream) as at:
        said = reach(at.url(), allowed)

    assert bool(upstream.posts) is is_reached
    assert (said == "address_refused") is not is_reached


def test_a_set_reaches_what_the_installation_allows_and_what_was_allowed_to_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_NETWORKS", "10.0.0.0/8, ::1/128")
    settings.UPSTREAM_NETWORKS = networks("UPSTREAM_NETWORKS")
    opened, other = ToolSet(allowed_networks=["192.168.7.0/24"]), ToolSet()

    assert opened.reachable_networks == ("10.0.0.0/8", "::1/128", "192.168.7.0/24")
    assert other.reachable_networks == ("10.0.0.0/8", "::1/128")
