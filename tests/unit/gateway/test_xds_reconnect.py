"""A stream that comes after another: Envoy tells what it has, and only what differs is sent."""

from __future__ import annotations

from tests.unit.gateway.xds_talk import CDS, EDS, FRAUD, LDS, RDS, Talk, model, snapshot
from tritium.gateway.snapshot.resource import Snapshot


def again(published: Snapshot | None, before: Talk | None = None) -> Talk:
    return Talk(published, before.stream.memory() if before else None)


def test_only_what_differs_is_sent() -> None:
    talk = again(snapshot(*model("fraud", "a", version="2"), "CDS b", fraud="a"))
    assert talk.asks(CDS, has={"a": "1"}) == [(CDS, ["b@1"], [])]
    assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], [])]
    # Which clusters still wait for their endpoints nobody can know.
    assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], [])]
    assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@2"], [])]


def test_nothing_differs() -> None:
    talk = again(FRAUD)
    assert talk.asks(CDS, has={"a": "1"}) == [(CDS, [], [])]
    assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], [])]
    assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], [])]
    assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == []
    assert talk.is_whole()
    assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]


def test_no_cluster_goes_before_envoy_has_told_which_routes_it_has() -> None:
    talk = again(FRAUD)
    assert talk.asks(CDS, has={"a": "1", "old": "1"}) == [(CDS, [], [])]
    talk.asks(LDS, has={"fraud": "1"})
    talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
    talk.asks(RDS, "fraud", has={"fraud": "1"})
    assert talk.acks() == [(CDS, [], ["old"])]


def test_an_unknown_route_may_name_any_cluster() -> None:
    talk = again(snapshot(*model("fraud", "a", version="2"), fraud="a"))
    talk.asks(CDS, has={"a": "1", "old": "1"})
    talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
    assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@2"], [])]
    assert talk.acks(CDS, EDS) == []
    assert talk.acks(RDS) == [(CDS, [], ["old"])]


def test_unless_the_stream_before_knew_it() -> None:
    before = Talk()
    before.runs(FRAUD, "fraud")
    bad = snapshot(*model("fraud", "a", version="bad"), fraud="a")
    talk = again(bad, before)
    talk.asks(CDS, has={"a": "1", "old": "1"})
    talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
    assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@bad"], [])]
    assert talk.acks(CDS) == [(CDS, [], ["old"])]
    assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]


def test_what_was_under_way_is_known_as_well() -> None:
    before = Talk()
    before.runs(FRAUD, "fraud")
    second = snapshot(*model("fraud", "a", version="2"), fraud="a")
    before.publish(second)
    talk = again(snapshot(*model("fraud", "a", version="3"), fraud="a"), before)
    talk.asks(RDS, "fraud", has={"fraud": "2"})
    assert talk.state.acked[RDS, "fraud"] == second.resources[RDS]["fraud"]


def test_a_stream_that_ended_early_passes_on_what_it_was_told() -> None:
    before = Talk()
    before.runs(FRAUD, "fraud")
    short = again(FRAUD, before)
    short.asks(CDS, has={"a": "1"})
    talk = again(snapshot(*model("fraud", "a", version="2"), fraud="a"), short)
    talk.asks(RDS, "fraud", has={"fraud": "1"})
    assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]


def test_endpoints_that_envoy_has_come_before_newer_ones() -> None:
    before = Talk()
    before.runs(FRAUD, "fraud")
    talk = again(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", fraud="a"), before)
    assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], []), (EDS, ["a@2"], [])]


def test_a_change_of_a_cluster_waits_until_its_endpoints_are_known() -> None:
    changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@2", fraud="a")
    talk = again(changed)
    assert talk.asks(CDS, has={"a": "1"}) == [(CDS, [], [])]
    assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@2"], [])]
    assert talk.acks(CDS) == []
    assert talk.acks(EDS) == [(CDS, ["a@2"], []), (EDS, ["a@2"], [])]


def test_also_if_they_were_not_published_when_it_came() -> None:
    talk = again(Snapshot())
    talk.asks(CDS, has={"a": "1"})
    talk.asks(RDS, "draining", has={"draining": "1"})
    assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, [], ["a"])]  # which Envoy does not heed
    talk.acks()
    assert talk.publish(snapshot("CDS a@2", "EDS a@2")) == [(EDS, ["a@2"], [])]
    assert talk.acks() == [(CDS, ["a@2"], []), (EDS, ["a@2"], [])]


def test_for_ever_if_they_are_refused() -> None:
    talk = again(snapshot("CDS a@2", "EDS a@bad"))
    talk.asks(CDS, has={"a": "1"})
    talk.asks(EDS, "a", has={"a": "1"})
    talk.acks(CDS)
    assert talk.nacks(EDS) == []
    assert talk.is_whole()


def test_a_listener_that_is_gone_goes_and_its_route_stays_until_envoy_lets_go() -> None:
    talk = again(Snapshot())
    assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], ["fraud"])]
    assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == []


def test_what_envoy_came_with_is_recognised_when_it_is_published() -> None:
    talk = again(None)
    talk.asks(CDS, has={"a": "1", "old": "1"})
    talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
    talk.asks(LDS, has={"fraud": "1"})
    talk.asks(RDS, "fraud", has={"fraud": "1"})
    assert talk.state.acked == {}
    assert talk.publish(FRAUD)[-1] == (LDS, [], [])
    assert talk.is_whole()
    assert talk.acks() == [(CDS, [], ["old"])]
