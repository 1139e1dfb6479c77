"""The conversation on one delta stream, case by case."""

from __future__ import annotations

import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tests.unit.gateway.xds_talk import CDS, EDS, FRAUD, LDS, RDS, RTDS, Talk, model, snapshot
from tritium.gateway.snapshot.resource import About, Resource, Snapshot, Type
from tritium.gateway.xds.agenda import BATCH
from tritium.gateway.xds.state import Tally


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
