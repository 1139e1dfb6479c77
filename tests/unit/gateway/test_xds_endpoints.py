"""Endpoints on one delta stream: they wait for nothing, and follow their cluster."""

from __future__ import annotations

from tests.unit.gateway.xds_talk import CDS, EDS, FRAUD, LDS, RDS, Talk, model, snapshot
from tritium.gateway.xds.stream import WINDOW


def test_they_go_out_while_older_ones_are_unanswered() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    for version in ("2", "3"):
        published = snapshot("LDS fraud", "RDS fraud", "CDS a", f"EDS a@{version}", fraud="a")
        assert talk.publish(published) == [(EDS, [f"a@{version}"], [])]
    talk.acks()
    assert talk.state.acked[EDS, "a"].version == "3"


def test_older_ones_do_not_come_back_when_they_are_published_no_longer() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    assert talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", fraud="a")) == [(EDS, ["a@2"], [])]
    assert talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", fraud="a")) == []
    assert talk.acks() == []
    assert talk.state.acked[EDS, "a"].version == "2"


def test_they_go_before_everything_else() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    changed = snapshot("LDS fraud@2", "RDS fraud@2", "CDS a", "EDS a@2", "CDS b", "EDS b", fraud="a")
    assert [type_ for type_, _, _ in talk.publish(changed)] == [EDS, CDS, LDS, RDS]


def test_answers_that_never_come_end_it_at_some_point_and_the_newest_go_out_then() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    sent = 0
    for version in range(2, WINDOW + 100):
        sent += len(talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", f"EDS a@{version}", fraud="a")))
    assert sent == WINDOW
    assert talk.acks() == [(EDS, [f"a@{WINDOW + 99}"], [])]


def test_a_changed_cluster_is_followed_by_its_endpoints() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a", fraud="a")
    assert talk.publish(changed) == [(CDS, ["a@2"], []), (EDS, ["a@1"], [])]


def test_by_those_that_were_acknowledged_and_then_by_newer_ones() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@2", fraud="a")
    assert talk.publish(changed) == [
        (EDS, ["a@2"], []),
        (CDS, ["a@2"], []),
        (EDS, ["a@1"], []),
        (EDS, ["a@2"], []),
    ]


def test_a_changed_cluster_whose_endpoints_are_refused_keeps_the_last_good_ones() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@bad", fraud="a"))
    assert talk.nacks(EDS) == []
    changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@bad", fraud="a")
    assert talk.publish(changed) == [(CDS, ["a@2"], []), (EDS, ["a@1"], [])]
    assert talk.acks() == []
    assert talk.state.rejected[EDS, "a"].resource.version == "bad"
    assert talk.state.acked[EDS, "a"].version == "1"


def test_a_changed_cluster_that_never_had_good_ones_waits_for_none() -> None:
    talk = Talk(snapshot("CDS a", "EDS a@bad"))
    talk.asks(CDS)
    talk.asks(EDS, "a")
    talk.nacks(EDS)
    talk.acks()
    assert talk.publish(snapshot("CDS a@2", "EDS a@bad")) == [(CDS, ["a@2"], []), (EDS, [], ["a"])]


def test_no_endpoints_to_follow_a_cluster() -> None:
    talk = Talk(snapshot("CDS a"))
    talk.asks(CDS)
    assert talk.asks(EDS, "a") == [(EDS, [], ["a"])]
    talk.acks()
    assert talk.publish(snapshot("CDS a@2")) == [(CDS, ["a@2"], []), (EDS, [], ["a"])]


def test_what_was_sent_before_envoy_let_go_counts_no_longer() -> None:
    talk = Talk()
    talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
    talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", "CDS b", "EDS b", fraud="b"))
    talk.asks(EDS, leaves=["a"])
    talk.acks()
    assert (EDS, "a") not in talk.state.acked


def test_who_asks_again_has_forgotten() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    assert talk.asks(EDS, "a") == [(EDS, ["a@1"], [])]
    assert not talk.is_whole()
