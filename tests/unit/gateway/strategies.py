"""Tables as they may come: everything that the API admits, and some that it does not."""

from string import ascii_lowercase, ascii_uppercase, digits

from hypothesis import strategies as st

from tritium.gateway.table import Bounds, Copies, Endpoint, Header, Hold, Log, Model, Share


def _words(first: str, rest: str, longest: int) -> st.SearchStrategy[str]:
    """Words that begin and end with a character of `first`."""
    return st.text(rest, max_size=longest - 1).map(lambda tail: first[len(tail) % len(first)] + tail.rstrip("-._~"))


_LOWER = ascii_lowercase + digits
_ANY = ascii_uppercase + _LOWER

TRITON = _words(_ANY, _ANY + "_-", 128) | st.sampled_from(["a.b.c", "a-._", "x" * 128])
HEADERS = _words(_LOWER, _LOWER + "-", 64) | st.sampled_from(
    ["host", "x-envoy-retry-on", "te", "connection", "content-length", "cookie", "0", "a--"]
)
VALUES = st.text(min_size=1, max_size=20) | st.sampled_from([" ", "\t", "\0", "\r\n", "ä", "😀", "x" * 256])
HOSTS = st.lists(_words(_LOWER, _LOWER + "-", 63), min_size=1, max_size=3).map(".".join) | st.just("a.example")
PARTS = _words("~._-a", _ANY + "~._-", 30).map(lambda part: f"/{part}")
PATHS = st.lists(PARTS, max_size=3).map("".join)
NUMBERS = st.integers(0, 2**63) | st.sampled_from([0, 1, 2, 1023, 1024, 1025, 2**31, 2**32, 2**53 + 1])

ADDRESSES = st.ip_addresses().map(str) | st.sampled_from(["10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "::"])
ENDPOINTS = st.builds(Endpoint, ADDRESSES, st.integers(1, 65_535), st.integers(1, 65_535))
PODS = st.lists(ENDPOINTS, max_size=3).map(lambda found: tuple(sorted(found)))
"""The endpoints of a Service; one may be there twice."""

SHARES = st.builds(
    Share,
    revision=st.integers(1, 4) | st.just(2**31),
    service=st.sampled_from(["a", "b", "c"]),
    weight=st.integers(0, 10_000) | st.just(0),
    matches=st.lists(st.builds(Header, HEADERS, VALUES), max_size=2).map(tuple),
)

MODELS = st.builds(
    Model,
    name=st.sampled_from(["fraud", "a", "m" * 50]),
    uid=st.just("uid"),
    version=st.integers(1, 9),
    port=st.integers(10_000, 10_999),
    triton=TRITON,
    shares=st.lists(SHARES, max_size=3).map(tuple),
    sticky=st.just("") | HEADERS,
    copies=st.none() | st.builds(Copies, st.integers(1, 4), st.integers(0, 100)),
    bounds=st.builds(Bounds) | st.builds(Bounds, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    host=st.just("") | HOSTS,
    path=PATHS,
    preview=st.integers(0, 4),
    hold=st.none() | st.builds(Hold, st.booleans(), st.integers(0, 2**31), NUMBERS),
    held=st.sampled_from([None, "", "z7.1764000000.3"]),
    log=st.none() | st.builds(Log, st.just("c"), st.integers(0, 1_000_000), st.booleans(), st.booleans()),
)
"""ModelDeployments; their Services are `a`, `b` and `c`, and their loggers are in `c`."""
