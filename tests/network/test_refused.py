"""Addresses that no client connects to, in every form that leads there."""

from collections.abc import Sequence

import pytest

from tests.network.clients import CLIENTS, Reach
from tests.network.names import Names

pytestmark = pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)

PLAIN = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::7f00:1]",
    "[100::1]",
    "[2001::1]",
    "[2001:0:5ef5:79fd::1]",
    "[2001:2::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:808:808::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%lo]",
    "[fec0::1]",
    "[ff02::1]",
]
DISGUISED = [
    "127\uff0e0\uff0e0\uff0e1:9",
    "127\u30020\u30020\u30021:9",
    "127.0.0.1.:9",
    "127.1:9",
    "127.0.1:9",
    "0:9",
    "2130706433:9",
    "0177.0.0.1:9",
    "017700000001:9",
    "127.0.0.1%2e:9",
    "%31%32%37.0.0.1:9",
    "\uff11\uff12\uff17.0.0.1:9",
    "\u2460\u2461\u2466.0.0.1:9",
    "[fe80::1%25lo]:9",
    "8.8.8.8@127.0.0.1:9",
    "8.8.8.8:80@127.0.0.1:9",
    "8.8.8.8%2f@127.0.0.1:9",
    "10.0.0.1#@127.0.0.1:9",
    "10.0.0.1?@127.0.0.1:9",
    "10.0.0.1\\@127.0.0.1:9",
    "127.0.0.1:9\\@10.0.0.1",
    "127.0.0.1:9%00.example",
    "127.0.0.1:9 @10.0.0.1",
]
PRIVATE = {
    "v4": ["127.0.0.1"],
    "v6": ["::1"],
    "mapped": ["::ffff:127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "public first": ["8.8.8.8", "10.0.0.1"],
    "private first": ["10.0.0.1", "8.8.8.8"],
    "mixed families": ["2001:4860:4860::8888", "127.0.0.1"],
}


@pytest.mark.parametrize("host", PLAIN)
def test_a_special_address_is_refused(
    host: str, reach: Reach, names: Names, connected: list[str]
) -> None:
    assert reach(f"http://{host}:9/mcp") == "address_refused"
    assert connected == []


@pytest.mark.parametrize("host", DISGUISED)
def test_a_special_address_in_disguise_is_not_connected_to(
    host: str, reach: Reach, names: Names, connected: list[str]
) -> None:
    assert reach(f"http://{host}/mcp") in {
        "address_refused",
        "upstream_unreachable",
        "unreachable",
        "protocol_error",
        "fetch_failed",
    }
    assert connected == []


@pytest.mark.parametrize("addresses", PRIVATE.values(), ids=list(PRIVATE))
@pytest.mark.parametrize("name", ["inside.example", "inside.example.", "INSIDE.example"])  # fmt: skip
def test_a_name_is_refused_where_one_of_its_addresses_is(
    name: str,
    addresses: Sequence[str],
    reach: Reach,
    names: Names,
    connected: list[str],
) -> None:
    names.lead("inside.example", addresses)

    assert reach(f"http://{name}:9/mcp") == "address_refused"
    assert connected == []
