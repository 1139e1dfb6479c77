"""Which addresses are open: each kind in each of its spellings, against what the standard library knows of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.sync.addresses import Policy, plain
from tritium.sync.guard import look_up

CLOSED = {
    "the cloud's metadata server": ["169.254.169.254/32", "fd00:ec2::254/128", "168.63.129.16/32"],
    "loopback": ["127.0.0.0/8", "::1/128"],
    "unspecified": ["0.0.0.0/8", "::/128"],
    "link-local": ["169.254.0.0/16", "fe80::/10"],
    "multicast": ["224.0.0.0/4", "ff00::/8"],
    "a private network": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"],
    "no address of the internet": ["192.0.0.0/29", "192.0.2.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/32"],
}
OPEN = ["8.8.8.8", "52.216.0.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "11.0.0.0"]
OPEN += ["168.63.129.15", "2600:1f18::1", "2a00:1450:4001::200e"]


def edges(network: str) -> list[str]:
    """The first address of a network, the last, and one between."""
    whole = ip_network(network)
    first, last = int(whole[0]), int(whole[-1])
    return [str(type(whole[0])(each)) for each in sorted({first, (first + last) // 2, last})]


def spellings(address: str) -> list[str]:
    """The address, and those of IPv6 that lead to it."""
    number = ip_address(address)
    if isinstance(number, IPv6Address):
        return [address]
    v4 = int(number)
    return [
        address,
        f"::ffff:{address}",
        str(IPv6Address((0xFFFF << 32) + v4)),
        str(IPv6Address((0x64FF9B << 96) + v4)),
        str(IPv6Address((0x2002 << 112) + (v4 << 80) + 1)),
        *([str(IPv6Address(v4))] if v4 > 1 else []),
    ]


CLOSED_CASES = [
    pytest.param(spelled, kind, id=f"{kind}: {spelled}")
    for kind, networks in CLOSED.items()
    for network in networks
    for address in edges(network)
    for spelled in spellings(address)
]
OPEN_CASES = [spelled for address in OPEN for spelled in spellings(address)]


@pytest.mark.parametrize(("address", "kind"), CLOSED_CASES)
def test_what_is_closed(address: str, kind: str) -> None:
    said = Policy().objection(address)
    assert said == kind or (said and plain(address) == IPv4Address("169.254.169.254"))


@pytest.mark.parametrize("address", OPEN_CASES)
def test_what_is_open(address: str) -> None:
    assert Policy().objection(address) is None


@pytest.mark.parametrize(("address", "kind"), CLOSED_CASES)
def test_what_the_administrator_allows_is_open_in_each_spelling(address: str, kind: str) -> None:
    whole = "0.0.0.0/0" if isinstance(plain(address), IPv4Address) else "::/0"
    alone = f"{plain(address)}/{32 if whole == '0.0.0.0/0' else 128}"
    assert Policy.of([whole]).objection(address) is None
    assert Policy.of([alone]).objection(address) is None
    assert Policy.of([whole], [alone]).objection(address), "refused goes before allowed"


@pytest.mark.parametrize("address", OPEN_CASES)
def test_what_the_administrator_refuses_is_closed(address: str) -> None:
    assert Policy.of(None, ["0.0.0.0/0", "::/0"]).objection(address) == "a network that the administrator refuses"


@given(st.ip_addresses())
def test_nothing_is_open_that_is_not_of_the_internet(address: IPv4Address | IPv6Address) -> None:
    said = Policy().objection(address)
    reached = plain(address)
    if not reached.is_global or reached.is_multicast:
        assert said
    if isinstance(address, IPv4Address) and address.is_global and not address.is_multicast:
        assert said is None or address == IPv4Address("168.63.129.16")


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "017700000001", "localhost"]
)
def test_an_address_in_another_notation_is_looked_up_and_judged(host: str) -> None:
    addresses = look_up(host, 80)
    assert addresses
    assert all(Policy().objection(each) == "loopback" for each in addresses)


@pytest.mark.parametrize(
    ("allowed", "refused", "everything"),
    [
        (["0.0.0.0/0", "::/0"], [], True),
        (["0.0.0.0/0"], [], False),
        (["0.0.0.0/0", "::/0"], ["10.0.0.0/8"], False),
        ([], [], False),
    ],
)
def test_everything_is_open_only_if_the_administrator_says_so(
    allowed: list[str], refused: list[str], *, everything: bool
) -> None:
    assert Policy.of(allowed, refused).everything is everything
