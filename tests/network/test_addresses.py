"""Which addresses are public: a table of our own, which no version of Python's changes."""

import ipaddress

import pytest

from gateway.network import AddressRefused, Guard

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:200::",
    "2001:4860:4860::8888",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2003::",
    "2606:4700:4700::1111",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
]
SPECIAL = [
    ("0.0.0.0", "0.255.255.255"),  # noqa: S104 - addresses to judge, not to bind
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("::", "::fffe:ffff:ffff"),
    ("::ffff:127.0.0.1", "::ffff:127.255.255.255"),
    ("::ffff:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255"),
    ("64:ff9b::a9fe:a9fe", "64:ff9b::a9fe:a9fe"),
    ("64:ff9b::1:0:0", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100:0:0:1:ffff:ffff:ffff:ffff"),
    ("200::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "5fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    Guard(()).check(address)


@pytest.mark.parametrize(("first", "last"), SPECIAL)
def test_a_special_range_is_refused_from_end_to_end(first: str, last: str) -> None:
    middle = (int(ipaddress.ip_address(first)) + int(ipaddress.ip_address(last))) // 2

    for address in (first, type(ipaddress.ip_address(first))(middle), last):
        with pytest.raises(AddressRefused):
            Guard(()).check(str(address))


@pytest.mark.parametrize("address", [address for ends in SPECIAL for address in ends])
def test_a_special_address_is_allowed_where_an_operator_names_it(address: str) -> None:
    named = ipaddress.ip_address(address)
    mapped = named.ipv4_mapped if isinstance(named, ipaddress.IPv6Address) else None

    Guard([str(mapped or named)]).check(address)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.1.0/24"),
        ("10.0.0.1", "::ffff:10.0.0.1/128"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1/128"),
        ("64:ff9b::a00:1", "10.0.0.0/8"),
        ("2002:a00:1::", "10.0.0.0/8"),
        ("::10.0.0.1", "10.0.0.0/8"),
        ("::1", "0.0.0.0/0"),
        ("127.0.0.1", "::/0"),
    ],
)
def test_an_allowance_holds_for_the_addresses_that_it_names(
    address: str, network: str
) -> None:
    with pytest.raises(AddressRefused):
        Guard([network]).check(address)
