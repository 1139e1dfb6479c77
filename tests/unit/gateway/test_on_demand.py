"""The stream on which Envoy asks for single clusters, without Envoy."""

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tritium.gateway.snapshot.resource import Resource, Type
from tritium.gateway.xds.on_demand import OnDemandStream

A = Resource(Type.CLUSTER, "a", "1", b"")
B = Resource(Type.CLUSTER, "b", "1", b"")


def request(*names: str, **more: object) -> DeltaDiscoveryRequest:
    return DeltaDiscoveryRequest(type_url=Type.CLUSTER, resource_names_subscribe=names, **more)


def sent(stream: OnDemandStream, answers: dict[str, Resource], gone: frozenset[str] = frozenset()) -> list[str]:
    """What the next response brings."""
    response = stream.next_response(answers, gone)
    return [each.name for each in response.resources] if response else []


def test_what_envoy_comes_with_it_is_not_sent_again() -> None:
    """The first request after a broken stream names all that it ever asked for, and what of that it has."""
    stream = OnDemandStream()
    heard = stream.receive(request("a", "b", initial_resource_versions={"a": "0"}))
    assert (heard.asked, heard.has) == (("a", "b"), ("a",))
    assert sent(stream, {"a": A, "b": B}) == ["b"]


def test_what_it_asks_for_later_comes_later() -> None:
    stream = OnDemandStream()
    stream.receive(request("a"))
    assert sent(stream, {"b": B}) == []
    stream.receive(request("b"))
    assert sent(stream, {"b": B}) == ["b"]
    assert sent(stream, {"a": A, "b": B}) == ["a"]


def test_what_has_been_answered_can_be_taken_away() -> None:
    stream = OnDemandStream()
    stream.receive(request("a", "b"))
    sent(stream, {"a": A})
    response = stream.next_response({}, frozenset({"a", "c"}))
    assert response is not None
    assert [*response.removed_resources] == ["a"]
    assert stream.next_response({}, frozenset({"a", "c"})) is None


def test_what_envoy_refuses_is_told_in_its_own_words() -> None:
    stream = OnDemandStream()
    stream.receive(request("a"))
    sent(stream, {"a": A})
    refusal = request(response_nonce="1")
    refusal.error_detail.message = "no"
    assert stream.receive(refusal).refused == "no"
    assert sent(stream, {"a": A}) == [], "it would refuse the same again and again"
