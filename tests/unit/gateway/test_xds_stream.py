"""The conversation on one delta stream, case by case."""

from __future__ import annotations

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tests.unit.gateway.xds_talk import CDS, EDS, LDS, RDS, RTDS, Talk, answer, model, snapshot
from tritium.gateway.snapshot.resource import About, Resource, Snapshot, Type
from tritium.gateway.xds.agenda import BATCH
from tritium.gateway.xds.client import Rejected
from tritium.gateway.xds.state import Tally
from tritium.gateway.xds.stream import WINDOW

FRAUD = snapshot(*model("fraud", "a"), fraud="a")


def test_a_first_configuration() -> None:
    talk = Talk(FRAUD)
    assert talk.asks(CDS) == [(CDS, ["a@1"], [])]
    assert talk.asks(EDS, "a") == [(EDS, ["a@1"], [])]
    assert talk.acks(EDS, CDS) == []
    assert talk.asks(LDS) == [(LDS, ["fraud@1"], [])]
    assert talk.asks(RDS, "fraud") == [(RDS, ["fraud@1"], [])]
    assert not talk.is_whole()
    talk.acks()
    assert talk.is_whole()
    assert {(type_, each.version) for (type_, _), each in talk.state.acked.items()} == {
        (CDS, "1"),
        (EDS, "1"),
        (LDS, "1"),
        (RDS, "1"),
    }


def test_what_was_acknowledged_is_not_run_while_something_else_is_under_way() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    other = snapshot(*model("fraud", "a", version="2"), fraud="a")
    assert talk.publish(other) == [(RDS, ["fraud@2"], [])]
    assert talk.publish(FRAUD) == []
    assert (talk.is_whole(), talk.state.changing) == (False, frozenset({(RDS, "fraud")}))
    assert talk.acks() == [(RDS, ["fraud@1"], [])]
    assert not talk.is_whole()
    talk.acks()
    assert (talk.is_whole(), talk.state.changing) == (True, frozenset())


def test_nothing_is_said_before_something_is_published() -> None:
    talk = Talk()
    assert talk.asks(CDS) == []
    assert not talk.is_whole()
    assert talk.publish(FRAUD) == [(CDS, ["a@1"], [])]


def test_who_wants_everything_is_answered_even_if_there_is_nothing() -> None:
    talk = Talk(Snapshot())
    assert talk.asks(CDS) == [(CDS, [], [])]
    assert talk.asks(LDS) == [(LDS, [], [])]
    assert talk.asks(CDS) == []
    assert talk.is_whole()


def test_a_listener_that_waits_does_not_keep_envoy_from_starting() -> None:
    talk = Talk(FRAUD)
    talk.asks(CDS)
    assert talk.asks(LDS) == [(LDS, [], [])]


def test_clusters_come_in_batches() -> None:
    names = [f"c{number}" for number in range(BATCH + 1)]
    talk = Talk(snapshot(*(f"CDS {name}" for name in names)))
    assert [len(brings) for _, brings, _ in talk.asks(CDS)] == [BATCH, 1]


@pytest.mark.parametrize("type_", [EDS, RDS, RTDS])
def test_what_does_not_exist_is_said_not_to_exist(type_: Type) -> None:
    talk = Talk(Snapshot())
    talk.asks(CDS)
    assert talk.asks(type_, "gone") == [(type_, [], ["gone"])]
    talk.acks()
    assert talk.asks(type_, leaves=["gone"]) == []


def test_runtime_values_wait_for_nothing() -> None:
    talk = Talk(snapshot("RTDS limits", "CDS a"))
    assert talk.asks(RTDS, "limits") == [(RTDS, ["limits@1"], [])]
    assert talk.publish(snapshot("RTDS limits@2", "CDS a")) == []
    assert talk.acks() == [(RTDS, ["limits@2"], [])]


def test_a_type_that_the_agent_does_not_have() -> None:
    with pytest.raises(ValueError, match="Secret"):
        Talk(FRAUD).stream.receive(DeltaDiscoveryRequest(type_url="type.googleapis.com/Secret"))


def test_an_answer_to_another_stream_is_ignored() -> None:
    talk = Talk(FRAUD)
    talk.stream.receive(DeltaDiscoveryRequest(type_url=CDS, response_nonce="7"))
    assert talk.state.responses[CDS] == Tally()


class TestOrder:
    def test_a_route_waits_for_the_clusters_it_names_and_their_endpoints(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        split = snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")
        assert talk.publish(split) == [(CDS, ["b@1"], [])]
        assert talk.asks(EDS, "b") == [(EDS, ["b@1"], [])]
        assert talk.acks(CDS) == []
        assert talk.acks(EDS) == [(RDS, ["fraud@2"], [])]

    def test_the_route_of_another_model_does_not_wait(self) -> None:
        both = [*model("fraud", "a"), *model("churn", "b")]
        talk = Talk()
        talk.runs(snapshot(*both, fraud="a", churn="b"), "fraud", "churn")
        changed = [*model("fraud", "a", "slow", version="2"), *model("churn", "b", version="2")]
        assert talk.publish(snapshot(*changed, fraud="a slow", churn="b")) == [
            (CDS, ["slow@1"], []),
            (RDS, ["churn@2"], []),
        ]

    def test_a_cluster_goes_after_the_route_that_named_it(self) -> None:
        talk = Talk()
        talk.runs(snapshot(*model("fraud", "a", "b"), fraud="a b"), "fraud")
        assert talk.publish(snapshot(*model("fraud", "b", version="2"), fraud="b")) == [(RDS, ["fraud@2"], [])]
        assert talk.acks() == [(CDS, [], ["a"])]
        assert (CDS, "a") not in talk.state.acked

    def test_a_cluster_stays_while_a_route_that_names_it_is_under_way(self) -> None:
        talk = Talk()
        talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
        assert talk.publish(snapshot(*model("fraud", "a", "b", version="2"), fraud="a b")) == [(RDS, ["fraud@2"], [])]
        assert talk.publish(snapshot(*model("fraud", "b", version="3"), fraud="b")) == []
        assert talk.acks() == [(RDS, ["fraud@3"], [])]
        assert talk.acks() == [(CDS, [], ["a"])]

    def test_a_removed_model(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        assert talk.publish(Snapshot()) == [(LDS, [], ["fraud"])]
        assert talk.acks() == []  # connections drain, on the route
        assert talk.is_whole()
        assert talk.asks(RDS, leaves=["fraud"]) == [(CDS, [], ["a"])]
        assert talk.asks(EDS, leaves=["a"]) == []
        talk.acks()
        assert talk.state.acked == {}

    def test_a_listener_leaves_its_address_before_another_takes_it(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        resources = [*model("churn", "a")]
        assert talk.publish(snapshot(*resources, churn="a"))[:2] == [(LDS, [], ["fraud"]), (LDS, ["churn@1"], [])]

    def test_a_model_that_comes_back_before_it_has_gone(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        talk.publish(Snapshot())
        assert talk.publish(FRAUD) == []
        assert talk.acks() == [(LDS, ["fraud@1"], [])]

    def test_a_cluster_that_comes_back_has_no_endpoints_until_they_are_sent(self) -> None:
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
    def test_a_route_that_envoy_let_go_of_under_way_and_asked_for_anew_may_be_there(self, together: bool) -> None:  # noqa: FBT001
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

    def test_a_route_that_envoy_let_go_of_for_good_keeps_no_cluster(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        talk.publish(snapshot(*model("fraud", "a", version="2"), fraud="a"))
        assert talk.publish(Snapshot()) == [(LDS, [], ["fraud"])]
        assert talk.asks(RDS, leaves=["fraud"]) == []
        assert talk.acks() == [(CDS, [], ["a"])]

    def test_a_listener_that_changes_waits_for_nothing(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        changed = ["LDS fraud@2", "RDS fraud@2", "CDS a", "EDS a", "CDS b", "EDS b"]
        assert talk.publish(snapshot(*changed, fraud="b")) == [(CDS, ["b@1"], []), (LDS, ["fraud@2"], [])]


class TestEndpoints:
    def test_they_go_out_while_older_ones_are_unanswered(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        for version in ("2", "3"):
            published = snapshot("LDS fraud", "RDS fraud", "CDS a", f"EDS a@{version}", fraud="a")
            assert talk.publish(published) == [(EDS, [f"a@{version}"], [])]
        talk.acks()
        assert talk.state.acked[EDS, "a"].version == "3"

    def test_older_ones_do_not_come_back_when_they_are_published_no_longer(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        assert talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", fraud="a")) == [(EDS, ["a@2"], [])]
        assert talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", fraud="a")) == []
        assert talk.acks() == []
        assert talk.state.acked[EDS, "a"].version == "2"

    def test_they_go_before_everything_else(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        changed = snapshot("LDS fraud@2", "RDS fraud@2", "CDS a", "EDS a@2", "CDS b", "EDS b", fraud="a")
        assert [type_ for type_, _, _ in talk.publish(changed)] == [EDS, CDS, LDS, RDS]

    def test_answers_that_never_come_end_it_at_some_point_and_the_newest_go_out_then(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        sent = 0
        for version in range(2, WINDOW + 100):
            sent += len(talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", f"EDS a@{version}", fraud="a")))
        assert sent == WINDOW
        assert talk.acks() == [(EDS, [f"a@{WINDOW + 99}"], [])]

    def test_a_changed_cluster_is_followed_by_its_endpoints(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a", fraud="a")
        assert talk.publish(changed) == [(CDS, ["a@2"], []), (EDS, ["a@1"], [])]

    def test_by_those_that_were_acknowledged_and_then_by_newer_ones(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@2", fraud="a")
        assert talk.publish(changed) == [
            (EDS, ["a@2"], []),
            (CDS, ["a@2"], []),
            (EDS, ["a@1"], []),
            (EDS, ["a@2"], []),
        ]

    def test_a_changed_cluster_whose_endpoints_are_refused_keeps_the_last_good_ones(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@bad", fraud="a"))
        assert talk.nacks(EDS) == []
        changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@bad", fraud="a")
        assert talk.publish(changed) == [(CDS, ["a@2"], []), (EDS, ["a@1"], [])]
        assert talk.acks() == []
        assert talk.state.rejected[EDS, "a"].resource.version == "bad"
        assert talk.state.acked[EDS, "a"].version == "1"

    def test_a_changed_cluster_that_never_had_good_ones_waits_for_none(self) -> None:
        talk = Talk(snapshot("CDS a", "EDS a@bad"))
        talk.asks(CDS)
        talk.asks(EDS, "a")
        talk.nacks(EDS)
        talk.acks()
        assert talk.publish(snapshot("CDS a@2", "EDS a@bad")) == [(CDS, ["a@2"], []), (EDS, [], ["a"])]

    def test_no_endpoints_to_follow_a_cluster(self) -> None:
        talk = Talk(snapshot("CDS a"))
        talk.asks(CDS)
        assert talk.asks(EDS, "a") == [(EDS, [], ["a"])]
        talk.acks()
        assert talk.publish(snapshot("CDS a@2")) == [(CDS, ["a@2"], []), (EDS, [], ["a"])]

    def test_what_was_sent_before_envoy_let_go_counts_no_longer(self) -> None:
        talk = Talk()
        talk.runs(snapshot(*model("fraud", "a", "b"), fraud="b"), "fraud")
        talk.publish(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", "CDS b", "EDS b", fraud="b"))
        talk.asks(EDS, leaves=["a"])
        talk.acks()
        assert (EDS, "a") not in talk.state.acked

    def test_who_asks_again_has_forgotten(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        assert talk.asks(EDS, "a") == [(EDS, ["a@1"], [])]
        assert not talk.is_whole()


class TestRefusals:
    def test_a_change_that_is_refused_is_not_sent_again(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        bad = snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a")
        assert talk.publish(bad) == [(RDS, ["fraud@bad"], [])]
        assert talk.refuses(RDS, "weights") == Rejected(bad.resources[RDS]["fraud"], "weights")
        assert talk.hears() == []
        assert talk.publish(Snapshot(bad.resources, bad.needs)) == []
        assert talk.state.acked[RDS, "fraud"].version == "1"
        assert talk.is_whole()
        assert talk.publish(snapshot("LDS fraud", "RDS fraud@3", "CDS a", "EDS a", fraud="a")) == [
            (RDS, ["fraud@3"], [])
        ]
        assert (RDS, "fraud") in talk.state.rejected
        talk.acks()
        assert talk.state.rejected == {}

    def test_the_guilty_one_of_a_batch_is_found_one_by_one(self) -> None:
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

    def test_the_new_version_of_what_was_refused_in_a_batch_comes_alone(self) -> None:
        talk = Talk(snapshot("CDS a", "CDS b"))
        talk.asks(CDS)
        talk.stream.publish(snapshot("CDS a@2", "CDS b@2"))
        assert talk.nacks(CDS) == [(CDS, ["a@2"], []), (CDS, ["b@2"], [])]

    def test_what_may_be_there_after_a_refused_batch_is_taken_away(self) -> None:
        talk = Talk(snapshot("CDS a", "CDS b", "LDS x", "LDS y"))
        talk.asks(CDS)
        talk.asks(LDS)
        talk.stream.publish(Snapshot())
        assert talk.nacks(CDS, LDS) == [(LDS, [], ["x", "y"]), (CDS, [], ["a", "b"])]

    def test_but_not_while_a_route_of_a_refused_batch_may_name_it(self) -> None:
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

    def test_a_refusal_proves_that_it_was_not_taken_in_before(self) -> None:
        talk = Talk(snapshot("CDS a", "CDS bad"))
        talk.asks(CDS)
        talk.nacks(CDS)
        for response in list(talk.open):
            talk.stream.receive(answer(response, "bad" if "bad" in response.items else ""))
        assert talk.publish(snapshot("CDS a")) == []

    def test_back_to_what_envoy_runs(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        talk.publish(snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a"))
        talk.nacks(RDS)
        assert talk.publish(FRAUD) == []
        assert talk.state.rejected == {}

    def test_a_model_whose_cluster_is_refused_holds_up_nobody(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        both = [*model("fraud", "a"), *model("churn", "bad")]
        assert talk.publish(snapshot(*both, fraud="a", churn="bad")) == [(CDS, ["bad@1"], [])]
        assert not talk.is_whole()
        talk.nacks(CDS)
        assert talk.is_whole()
        assert set(talk.state.rejected) == {(CDS, "bad")}

    def test_a_model_whose_endpoints_or_listener_are_refused_holds_up_nobody(self) -> None:
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

    def test_what_is_gone_is_not_told_of(self) -> None:
        talk = Talk()
        talk.runs(FRAUD, "fraud")
        talk.publish(snapshot("LDS fraud", "RDS fraud@bad", "CDS a", "EDS a", fraud="a"))
        talk.nacks(RDS)
        talk.publish(Snapshot())
        assert talk.state.rejected == {}
        assert talk.state.resources == {}


class TestReconnect:
    def again(self, published: Snapshot | None, before: Talk | None = None) -> Talk:
        return Talk(published, before.stream.memory() if before else None)

    def test_only_what_differs_is_sent(self) -> None:
        talk = self.again(snapshot(*model("fraud", "a", version="2"), "CDS b", fraud="a"))
        assert talk.asks(CDS, has={"a": "1"}) == [(CDS, ["b@1"], [])]
        assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], [])]
        # Which clusters still wait for their endpoints nobody can know.
        assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], [])]
        assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@2"], [])]

    def test_nothing_differs(self) -> None:
        talk = self.again(FRAUD)
        assert talk.asks(CDS, has={"a": "1"}) == [(CDS, [], [])]
        assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], [])]
        assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], [])]
        assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == []
        assert talk.is_whole()
        assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]

    def test_no_cluster_goes_before_envoy_has_told_which_routes_it_has(self) -> None:
        talk = self.again(FRAUD)
        assert talk.asks(CDS, has={"a": "1", "old": "1"}) == [(CDS, [], [])]
        talk.asks(LDS, has={"fraud": "1"})
        talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
        talk.asks(RDS, "fraud", has={"fraud": "1"})
        assert talk.acks() == [(CDS, [], ["old"])]

    def test_an_unknown_route_may_name_any_cluster(self) -> None:
        talk = self.again(snapshot(*model("fraud", "a", version="2"), fraud="a"))
        talk.asks(CDS, has={"a": "1", "old": "1"})
        talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
        assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@2"], [])]
        assert talk.acks(CDS, EDS) == []
        assert talk.acks(RDS) == [(CDS, [], ["old"])]

    def test_unless_the_stream_before_knew_it(self) -> None:
        before = Talk()
        before.runs(FRAUD, "fraud")
        bad = snapshot(*model("fraud", "a", version="bad"), fraud="a")
        talk = self.again(bad, before)
        talk.asks(CDS, has={"a": "1", "old": "1"})
        talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
        assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == [(RDS, ["fraud@bad"], [])]
        assert talk.acks(CDS) == [(CDS, [], ["old"])]
        assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]

    def test_what_was_under_way_is_known_as_well(self) -> None:
        before = Talk()
        before.runs(FRAUD, "fraud")
        second = snapshot(*model("fraud", "a", version="2"), fraud="a")
        before.publish(second)
        talk = self.again(snapshot(*model("fraud", "a", version="3"), fraud="a"), before)
        talk.asks(RDS, "fraud", has={"fraud": "2"})
        assert talk.state.acked[RDS, "fraud"] == second.resources[RDS]["fraud"]

    def test_a_stream_that_ended_early_passes_on_what_it_was_told(self) -> None:
        before = Talk()
        before.runs(FRAUD, "fraud")
        short = self.again(FRAUD, before)
        short.asks(CDS, has={"a": "1"})
        talk = self.again(snapshot(*model("fraud", "a", version="2"), fraud="a"), short)
        talk.asks(RDS, "fraud", has={"fraud": "1"})
        assert talk.state.acked[RDS, "fraud"] == FRAUD.resources[RDS]["fraud"]

    def test_endpoints_that_envoy_has_come_before_newer_ones(self) -> None:
        before = Talk()
        before.runs(FRAUD, "fraud")
        talk = self.again(snapshot("LDS fraud", "RDS fraud", "CDS a", "EDS a@2", fraud="a"), before)
        assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@1"], []), (EDS, ["a@2"], [])]

    def test_a_change_of_a_cluster_waits_until_its_endpoints_are_known(self) -> None:
        changed = snapshot("LDS fraud", "RDS fraud", "CDS a@2", "EDS a@2", fraud="a")
        talk = self.again(changed)
        assert talk.asks(CDS, has={"a": "1"}) == [(CDS, [], [])]
        assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, ["a@2"], [])]
        assert talk.acks(CDS) == []
        assert talk.acks(EDS) == [(CDS, ["a@2"], []), (EDS, ["a@2"], [])]

    def test_also_if_they_were_not_published_when_it_came(self) -> None:
        talk = self.again(Snapshot())
        talk.asks(CDS, has={"a": "1"})
        talk.asks(RDS, "draining", has={"draining": "1"})
        assert talk.asks(EDS, "a", has={"a": "1"}) == [(EDS, [], ["a"])]  # which Envoy does not heed
        talk.acks()
        assert talk.publish(snapshot("CDS a@2", "EDS a@2")) == [(EDS, ["a@2"], [])]
        assert talk.acks() == [(CDS, ["a@2"], []), (EDS, ["a@2"], [])]

    def test_for_ever_if_they_are_refused(self) -> None:
        talk = self.again(snapshot("CDS a@2", "EDS a@bad"))
        talk.asks(CDS, has={"a": "1"})
        talk.asks(EDS, "a", has={"a": "1"})
        talk.acks(CDS)
        assert talk.nacks(EDS) == []
        assert talk.is_whole()

    def test_a_listener_that_is_gone_goes_and_its_route_stays_until_envoy_lets_go(self) -> None:
        talk = self.again(Snapshot())
        assert talk.asks(LDS, has={"fraud": "1"}) == [(LDS, [], ["fraud"])]
        assert talk.asks(RDS, "fraud", has={"fraud": "1"}) == []

    def test_what_envoy_came_with_is_recognised_when_it_is_published(self) -> None:
        talk = self.again(None)
        talk.asks(CDS, has={"a": "1", "old": "1"})
        talk.asks(EDS, "a", "old", has={"a": "1", "old": "1"})
        talk.asks(LDS, has={"fraud": "1"})
        talk.asks(RDS, "fraud", has={"fraud": "1"})
        assert talk.state.acked == {}
        assert talk.publish(FRAUD)[-1] == (LDS, [], [])
        assert talk.is_whole()
        assert talk.acks() == [(CDS, [], ["old"])]


def test_the_version_of_traffic_follows_though_the_content_is_the_same() -> None:
    talk = Talk()
    talk.runs(FRAUD, "fraud")
    route = FRAUD.resources[RDS]["fraud"]
    newer = Resource(route.type, route.name, route.version, route.body, About("fraud", "uid", 7))
    assert talk.publish(Snapshot({**FRAUD.resources, RDS: {"fraud": newer}}, FRAUD.needs)) == []
    assert talk.state.acked[RDS, "fraud"].about == About("fraud", "uid", 7)


def test_envoy_tells_its_version() -> None:
    talk = Talk(FRAUD)
    request = DeltaDiscoveryRequest(type_url=CDS)
    version = request.node.user_agent_build_version.version
    version.major_number, version.minor_number, version.patch = 1, 40, 2
    assert talk.state.envoy == ""
    talk.stream.receive(request)
    assert talk.state.envoy == "1.40.2"
