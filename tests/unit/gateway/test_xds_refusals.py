"""What Envoy refuses: who is guilty, what stays, and whom it holds up."""

from __future__ import annotations

from tests.unit.gateway.xds_talk import CDS, EDS, FRAUD, LDS, RDS, Talk, answer, model, snapshot
from tritium.gateway.snapshot.resource import Snapshot
from tritium.gateway.xds.client import Rejected
from tritium.gateway.xds.state import Tally


def test_a_change_that_is_refused_is_not_sent_again() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    bad = snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a")
    assert talk.publish(bad) == [(RDS, ["fraud@bad"], [])]
    assert talk.refuses(RDS, "weights") == Rejected(bad.resources[RDS]["fraud"], "weights")
    assert talk.hears() == []
    assert talk.publish(Snapshot(bad.resources, bad.needs)) == []
    assert talk.state.acked[RDS, "fraud"].version == "1"
    assert talk.is_whole()
    assert talk.publish(snapshot("LDS fraud", "RDS fraud@3", "CDS a", "EDS a", fraud="a")) == [(RDS, ["fraud@3"], [])]
    assert (RDS, "fraud") in talk.state.rejected
    talk.acks()
    assert talk.state.rejected == {}


def test_the_guilty_one_of_a_batch_is_found_one_by_one() -> None:
    talk = Talk(snapshot("CDS a", "CDS bad", "CDS c"))
    assert talk.asks(CDS) == [(CDS, ["a@1", "bad@1", "c@1"], [])]
    assert talk.nacks(CDS) == [(CDS, ["a@1"], []), (CDS, ["bad@1"], []), (CDS, ["c@1"], [])]
    assert talk.state.rejected == {}
    for response in list(talk.open):
        talk.stream.receive(answer(response, "it is bad" if "bad" in response.items else ""))
    assert talk.hears() == []
    assert {name for _, name in talk.state.acked} == {"a", "c"}
    assert talk.state.rejected[CDS, "bad"].message == "it is bad"
    assert talk.state.responses[CDS] == Tally(acks=2, nacks=2)
    assert talk.state.resources == {(CDS, "a"): Tally(1, 0), (CDS, "bad"): Tally(0, 1), (CDS, "c"): Tally(1, 0)}
    assert talk.is_whole()


def test_the_new_version_of_what_was_refused_in_a_batch_comes_alone() -> None:
    talk = Talk(snapshot("CDS a", "CDS b"))
    talk.asks(CDS)
    talk.stream.publish(snapshot("CDS a@2", "CDS b@2"))
    assert talk.nacks(CDS) == [(CDS, ["a@2"], []), (CDS, ["b@2"], [])]


def test_what_may_be_there_after_a_refused_batch_is_taken_away() -> None:
    talk = Talk(snapshot("CDS a", "CDS b", "LDS x", "LDS y"))
    talk.asks(CDS)
    talk.asks(LDS)
    talk.stream.publish(Snapshot())
    assert talk.nacks(CDS, LDS) == [(LDS, [], ["x", "y"]), (CDS, [], ["a", "b"])]


def test_but_not_while_a_route_of_a_refused_batch_may_name_it() -> None:
    names = [*model("fraud", "a"), *model("churn", "b")]
    talk = Talk(snapshot(*names, fraud="a", churn="b"))
    talk.asks(CDS)
    talk.asks(EDS, "a", "b")
    talk.acks()
    talk.asks(LDS)
    talk.asks(RDS, "fraud", "churn")
    talk.acks(LDS)
    talk.stream.publish(Snapshot())
    assert talk.nacks(RDS) == [(LDS, [], ["fraud", "churn"])]
    assert talk.asks(RDS, leaves=["fraud"]) == [(CDS, [], ["a"])]


def test_a_refusal_proves_that_it_was_not_taken_in_before() -> None:
    talk = Talk(snapshot("CDS a", "CDS bad"))
    talk.asks(CDS)
    talk.nacks(CDS)
    for response in list(talk.open):
        talk.stream.receive(answer(response, "bad" if "bad" in response.items else ""))
    assert talk.publish(snapshot("CDS a")) == []


def test_back_to_what_envoy_runs() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    talk.publish(snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a"))
    talk.nacks(RDS)
    assert talk.publish(FRAUD) == []
    assert talk.state.rejected == {}


def test_a_model_whose_cluster_is_refused_holds_up_nobody() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    both = [*model("fraud", "a"), *model("churn", "bad")]
    assert talk.publish(snapshot(*both, fraud="a", churn="bad")) == [(CDS, ["bad@1"], [])]
    assert not talk.is_whole()
    talk.nacks(CDS)
    assert talk.is_whole()
    assert set(talk.state.rejected) == {(CDS, "bad")}


def test_a_model_whose_endpoints_or_listener_are_refused_holds_up_nobody() -> None:
    both = [*model("fraud", "a"), *model("churn", "b"), "LDS churn@bad"]
    talk = Talk(snapshot(*both, fraud="a", churn="b"))
    talk.asks(CDS)
    talk.asks(EDS, "a")
    talk.acks()
    talk.asks(EDS, "b")
    talk.nacks(EDS)
    talk.asks(LDS)
    talk.acks()
    talk.asks(RDS, "fraud")
    talk.acks()
    assert talk.is_whole()
    assert talk.publish(snapshot(*both, "EDS b@2", fraud="a", churn="b")) == [(EDS, ["b@2"], [])]
    talk.acks(EDS)
    talk.nacks(LDS)
    assert talk.is_whole()


def test_what_is_gone_is_not_told_of() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    talk.publish(snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a"))
    talk.nacks(RDS)
    talk.publish(Snapshot())
    assert talk.state.rejected == {}
    assert talk.state.resources == {}
