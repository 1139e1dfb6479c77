"""What goes out before what: nothing is named before it is there, and nothing goes while it is named."""

from __future__ import annotations

import pytest

from tests.unit.gateway.xds_talk import CDS, EDS, FRAUD, LDS, RDS, Talk, answer, model, snapshot
from tritium.gateway.snapshot.resource import Snapshot


def test_a_route_waits_for_the_clusters_it_names_and_their_endpoints() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    split = snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")
    assert talk.publish(split) == [(CDS, ["b@1"], [])]
    assert talk.asks(EDS, "b") == [(EDS, ["b@1"], [])]
    assert talk.acks(CDS) == []
    assert talk.acks(EDS) == [(RDS, ["fraud@2"], [])]


def test_the_route_of_another_model_does_not_wait() -> None:
    both = [*model("fraud", "a"), *model("churn", "b")]
    talk = Talk()
    talk.runs(snapshot(*both, fraud="a", churn="b"), "fraud", "churn")
    changed = [*model("fraud", "a", "slow", version="2"), *model("churn", "b", version="2")]
    assert talk.publish(snapshot(*changed, fraud="a slow", churn="b")) == [
        (CDS, ["slow@1"], []),
        (RDS, ["churn@2"], []),
    ]


def test_a_cluster_goes_after_the_route_that_named_it() -> None:
    talk = Talk()
    talk.runs(snapshot(*model("fraud", "a", "b"), fraud="a b"), "fraud")
    assert talk.publish(snapshot(*model("fraud", "b", version="2"), fraud="b")) == [(RDS, ["fraud@2"], [])]
    assert talk.acks() == [(CDS, [], ["a"])]
    assert (CDS, "a") not in talk.state.acked


def test_a_cluster_stays_while_a_route_that_names_it_is_under_way() -> None:
    talk = Talk()
    talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
    assert talk.publish(snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")) == [(RDS, ["fraud@2"], [])]
    assert talk.publish(snapshot(*model("fraud", "b", version="3"), fraud="b")) == []
    assert talk.acks() == [(RDS, ["fraud@3"], [])]
    assert talk.acks() == [(CDS, [], ["a"])]


def test_a_removed_model() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    assert talk.publish(Snapshot()) == [(LDS, [], ["fraud"])]
    assert talk.acks() == []  # connections drain, on the route
    assert talk.is_whole()
    assert talk.asks(RDS, leaves=["fraud"]) == [(CDS, [], ["a"])]
    assert talk.asks(EDS, leaves=["a"]) == []
    talk.acks()
    assert talk.state.acked == {}


def test_a_listener_leaves_its_address_before_another_takes_it() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    resources = [*model("churn", "a")]
    assert talk.publish(snapshot(*resources, churn="a"))[:2] == [(LDS, [], ["fraud"]), (LDS, ["churn@1"], [])]


def test_a_model_that_comes_back_before_it_has_gone() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    talk.publish(Snapshot())
    assert talk.publish(FRAUD) == []
    assert talk.acks() == [(LDS, ["fraud@1"], [])]


def test_a_cluster_that_comes_back_has_no_endpoints_until_they_are_sent() -> None:
    talk = Talk()
    talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
    assert talk.publish(snapshot(*model("fraud", "b"), fraud="b")) == [(CDS, [], ["a"])]
    assert talk.publish(snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")) == []
    assert talk.asks(EDS, leaves=["a"]) == []
    assert talk.acks() == [(CDS, ["a@1"], [])]
    assert talk.acks() == []
    assert talk.asks(EDS, "a") == [(EDS, ["a@1"], [])]
    assert talk.acks() == [(RDS, ["fraud@2"], [])]


@pytest.mark.parametrize("together", [True, False])
def test_a_route_that_envoy_let_go_of_under_way_and_asked_for_anew_may_be_there(together: bool) -> None:  # noqa: FBT001
    talk = Talk()
    talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
    assert talk.publish(snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")) == [(RDS, ["fraud@2"], [])]
    # Its last listener has drained; there is another one, and the route comes in time for that.
    talk.asks(RDS, leaves=["fraud"])
    waits = snapshot(*model("fraud", "b", "slow", version="3"), fraud="b slow")
    assert talk.publish(waits) == [(CDS, ["slow@1"], [])]
    route = next(each for each in talk.open if each.type is RDS)
    talk.open.remove(route)
    asks_and_answers = answer(route)
    if together:
        asks_and_answers.resource_names_subscribe.append("fraud")
    else:
        talk.asks(RDS, "fraud")
    talk.stream.receive(asks_and_answers)
    assert talk.hears() == [], "the route that may be there names a"
    assert talk.asks(EDS, "slow") == [(EDS, ["slow@1"], [])]
    assert talk.acks() == [(RDS, ["fraud@3"], [])]
    assert talk.acks() == [(CDS, [], ["a"])]


def test_a_route_that_envoy_let_go_of_for_good_keeps_no_cluster() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    talk.publish(snapshot(*model("fraud", "a", version="2"), fraud="a"))
    assert talk.publish(Snapshot()) == [(LDS, [], ["fraud"])]
    assert talk.asks(RDS, leaves=["fraud"]) == []
    assert talk.acks() == [(CDS, [], ["a"])]


def test_a_listener_that_changes_waits_for_nothing() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    changed = ["LDS fraud@2", "RDS fraud@2", "CDS a", "EDS a", "CDS b", "EDS b"]
    assert talk.publish(snapshot(*changed, fraud="b")) == [(CDS, ["b@1"], []), (LDS, ["fraud@2"], [])]
