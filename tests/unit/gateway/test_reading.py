"""From facts to the table."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tritium.gateway.reading import read
from tritium.gateway.table import Bounds, Copies, Endpoint, Header

ONE, TWO = Endpoint("10.0.0.1", 8000, 8001), Endpoint("10.0.0.2", 8000, 8001)


def traffic(port: int = 10_000, **members: Any) -> dict[str, Any]:
    return {"version": 1, "port": port, "model": "m", "revisions": [revision(2, 500), revision(1, 9_500)], **members}


def test_everything_that_a_status_can_say() -> None:
    told = traffic(
        revisions=[
            {**revision(2, 500), "lacks": 250, "matches": [{"header": "X-Arm", "value": "B"}]},
            revision(1, 9_500),
        ],
        stickyHeader="X-User",
        mirror={"revision": 2, "percent": 7},
        limits={"timeoutMs": 1, "maxRequestBytes": 2, "maxResponseBytes": 3, "maxConcurrency": 4, "maxHeaderBytes": 5},
        host="Models.example",
        path="/fraud/",
    )
    found = read(facts([model(**told)], [slice_of("fraud-1", TWO, ONE)])).table
    fraud = found.models["fraud"]
    assert [(each.revision, each.service, each.weight) for each in fraud.shares] == [
        (2, "fraud-2", 500),
        (1, "fraud-1", 9_500),
    ]
    assert (fraud.shares[0].matches, fraud.shares[0].lacks) == ((Header("x-arm", "B"),), 250)
    assert (fraud.version, fraud.port, fraud.triton, fraud.uid) == (1, 10_000, "m", "u1")
    assert (fraud.sticky, fraud.copies, fraud.bounds) == ("x-user", Copies(2, 7), Bounds(1, 2, 3, 4, 5))
    assert (fraud.host, fraud.path) == ("models.example", "/fraud")
    assert found.endpoints == {"fraud-1": (ONE, TWO), "fraud-2": ()}


def test_what_a_status_leaves_out() -> None:
    fraud = read(facts([model(version=1, port=10_000)], [])).table.models["fraud"]
    assert (fraud.triton, fraud.shares, fraud.sticky, fraud.copies, fraud.host, fraud.path) == (
        "fraud",
        (),
        "",
        None,
        "",
        "",
    )
    assert fraud.bounds == Bounds()


def test_copies_go_to_a_revision_that_is_there() -> None:
    fraud = read(facts([model(**traffic(mirror={"revision": 3, "percent": 7}))], [])).table.models["fraud"]
    assert fraud.copies is None


def test_a_preview_is_of_a_revision_that_is_there() -> None:
    told = [read(facts([model(**traffic(preview=number))], [])).table.models["fraud"].preview for number in (2, 3)]
    assert told == [2, 0]


def test_a_preview_gives_way_to_who_has_its_port() -> None:
    """No operator gives such ports out; a status that somebody has edited takes nothing from others."""
    old = model("z", "u1", "2026-01-01T00:00:00Z", **traffic(port=11_000))
    new = model("a", "u2", "2026-01-01T00:00:01Z", **traffic(preview=2))
    found = read(facts([new, old], []))
    assert {name: each.preview for name, each in found.table.models.items()} == {"a": 0, "z": 0}
    assert [(each.resource, each.message) for each in found.left_out] == [
        ("Listener a/preview", "port 11000 belongs to z, which is older")
    ]
    high = [model(f"m{port}", **traffic(port=port, preview=2)) for port in (18_001, 65_000)]
    assert {each.preview for each in read(facts(high, [])).table.models.values()} == {0}


def test_a_port_gives_way_to_an_older_preview() -> None:
    old = model("z", "u1", "2026-01-01T00:00:00Z", **traffic(preview=2))
    new = model("a", "u2", "2026-01-01T00:00:01Z", **traffic(port=11_000))
    found = read(facts([new, old], []))
    assert list(found.table.models) == ["z"]
    assert [each.message for each in found.left_out] == ["port 11000 belongs to z, which is older"]


def test_a_model_without_traffic_is_not_served() -> None:
    assert read(facts([model()], [])).table.models == {}


def test_of_two_with_one_port_the_older_keeps_it() -> None:
    """It does not matter what they are called; without a difference in age it is the name."""
    old = model("z", "u1", "2026-01-01T00:00:00Z", **traffic())
    new = model("a", "u2", "2026-01-01T00:00:01Z", **traffic())
    found = read(facts([new, old], []))
    assert list(found.table.models) == ["z"]
    (left,) = found.left_out
    assert (left.model.name, left.resource, left.message) == (
        "a",
        "Listener a",
        "port 10000 belongs to z, which is older",
    )
    same = model("a", "u2", "2026-01-01T00:00:00Z", **traffic())
    assert list(read(facts([old, same], [])).table.models) == ["a"]


def test_the_gateways_own_ports_are_nobodys() -> None:
    found = read(facts([model(**traffic(port=8080)), model("b", **traffic(port=19_001))], []))
    assert found.table.models == {}
    assert [each.message for each in found.left_out] == [
        "port 19001 is the gateway's own",
        "port 8080 is the gateway's own",
    ]


def test_of_two_with_one_host_and_path_the_younger_keeps_its_port() -> None:
    old = model("z", "u1", "2026-01-01T00:00:00Z", **traffic(host="h", path="/p/"))
    new = model("a", "u2", "2026-01-02T00:00:00Z", **traffic(port=10_001, host="h", path="/p"))
    other = model("b", "u3", "2026-01-03T00:00:00Z", **traffic(port=10_002, host="h"))
    found = read(facts([new, old, other], []))
    assert {name: (each.host, each.path) for name, each in found.table.models.items()} == {
        "z": ("h", "/p"),
        "a": ("", ""),
        "b": ("h", ""),
    }
    assert [(each.resource, each.message) for each in found.left_out] == [
        ("RouteConfiguration /shared", "h/p leads to z, which is older")
    ]


@given(st.permutations(range(6)), st.lists(st.integers(10_000, 10_002), min_size=6, max_size=6))
def test_the_order_in_which_things_are_known_does_not_matter(order: list[int], ports: list[int]) -> None:
    """Two agents of one gateway decide the same; ports are unique; nobody is forgotten."""
    models = [
        model(f"m{number}", f"u{number}", f"2026-01-0{1 + number // 2}T00:00:00Z", **traffic(port=ports[number]))
        for number in range(6)
    ]
    slices = [slice_of("fraud-1", ONE, TWO), slice_of("fraud-2", TWO)]
    found = read(facts(models, slices))
    again = read(facts([models[number] for number in order], slices[::-1]))
    assert found == again
    assert list(found.table.models) == list(again.table.models)
    used = [each.port for each in found.table.models.values()]
    assert len(set(used)) == len(used) == len(set(ports))
    assert {*found.table.models, *(each.model.name for each in found.left_out)} == {each.name for each in models}
