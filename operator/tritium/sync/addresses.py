"""Which addresses a source may be read from.

Who writes a ModelDeployment chooses where a pod connects to, and pods can reach what people outside cannot: the cloud's
metadata server, the node, other services of the cluster. So only addresses of the internet are open to a source, and
what the installation's administrator allows besides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED: Final = "a network that the administrator refuses"

_KINDS: Final = tuple(
    (kind, tuple(ip_network(each) for each in networks))
    for kind, networks in (
        ("the cloud's metadata server", ("169.254.169.254/32", "fd00:ec2::254/128", "168.63.129.16/32")),
        ("loopback", ("127.0.0.0/8", "::1/128")),
        ("unspecified", ("0.0.0.0/8", "::/128")),
        ("link-local", ("169.254.0.0/16", "fe80::/10")),
        ("multicast", ("224.0.0.0/4", "ff00::/8")),
        (
            "a private network",
            ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
        ),
    )
)
"""What has a name that a person knows; the first that fits. 168.63.129.16 is Azure's, for all of its machines."""

_V4_IN_V6: Final = tuple(
    (IPv6Network(network), shift)
    for network, shift in (("::ffff:0:0/96", 0), ("::/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))
)
"""IPv6 networks that lead to an IPv4 address, and how many bits are below it: mapped, compatible, NAT64, 6to4."""

_OUT_OF_SIGHT: Final = (IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
"""Teredo and NAT64 with a prefix of one's own: where they lead is up to somebody's gateway."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the administrator says.

    Attributes:
        allowed: networks that are open besides the internet.
        refused: networks that are closed, whatever `allowed` says: such as a cluster's own, where its addresses are
            public ones.
    """

    allowed: tuple[Network, ...] = ()
    refused: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str] | None = None, refused: Iterable[str] | None = None) -> "Policy":
        """From networks as text, such as `10.0.0.0/8`.

        Raises:
            ValueError: one of them is none.
        """
        return cls(tuple(map(ip_network, allowed or ())), tuple(map(ip_network, refused or ())))

    @property
    def everything(self) -> bool:
        """Nothing is closed."""
        whole = {IPv4Network("0.0.0.0/0"), IPv6Network("::/0")}
        return whole <= set(self.allowed) and not self.refused

    def objection(self, address: str | Address) -> str | None:
        """What stands against an address: which kind of address it is. None: it may be connected to.

        >>> policy = Policy.of(["10.1.0.0/16"])
        >>> policy.objection("10.1.2.3"), policy.objection("10.2.2.3"), policy.objection("8.8.8.8")
        (None, 'a private network', None)
        >>> policy.objection("::ffff:169.254.169.254"), policy.objection("fe80::1%eth0")
        ("the cloud's metadata server", 'link-local')
        """
        found = plain(address)
        if _within(found, self.refused):
            return REFUSED
        if _within(found, self.allowed):
            return None
        for kind, networks in _KINDS:
            if _within(found, networks):
                return kind
        known = found.is_global and not found.is_reserved and not _within(found, _OUT_OF_SIGHT)
        return None if known else "no address of the internet"


def plain(address: str | Address) -> Address:
    """The address that packets reach in the end: that in an IPv6 address which only stands for one of IPv4.

    >>> plain("64:ff9b::a9fe:a9fe"), plain("2002:a9fe:a9fe::1"), plain("::1")
    (IPv4Address('169.254.169.254'), IPv4Address('169.254.169.254'), IPv6Address('::1'))
    """
    found = ip_address(str(address).partition("%")[0])
    if isinstance(found, IPv4Address) or int(found) <= 1:
        return found
    shift = next((shift for network, shift in _V4_IN_V6 if found in network), None)
    return found if shift is None else IPv4Address(int(found) >> shift & 0xFFFFFFFF)


def is_address(host: str) -> bool:
    """Whether a host is an address, in its one usual spelling.

    >>> is_address("10.1.2.3"), is_address("::1"), is_address("0x7f.1"), is_address("minio.storage")
    (True, True, False, False)
    """
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def as_network(address: str | Address) -> str:
    """What to allow so that this address alone is open.

    >>> as_network("10.1.2.3"), as_network("fd00::1")
    ('10.1.2.3/32', 'fd00::1/128')
    """
    return str(ip_network(plain(address)))


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
