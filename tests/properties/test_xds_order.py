"""The stream against a model of Envoy that answers late, refuses, reconnects and restarts."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.properties.xds_model import Body, Envoy, read
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.xds.client import Key, Response
from tritium.gateway.xds.order import Step, View, step
from tritium.gateway.xds.state import Tallies
from tritium.gateway.xds.stream import Stream

MODELS = ("a", "b", "c")
REVISIONS = (1, 2, 3)
SHARED = "/shared"

faults = st.sampled_from([""] * 8 + ["bad", "invalid"])
models = st.sampled_from(MODELS)


class Exchange(RuleBasedStateMachine):
    """What is published, the stream, and Envoy; both directions of the connection hold back what they carry."""

    def __init__(self) -> None:
        super().__init__()
        self.resources: dict[Type, dict[str, Resource]] = {type_: {} for type_ in Type}
        self.split: dict[str, tuple[int, ...]] = {}
        self.snapshot = Snapshot()
        self.numbers = 0
        self.orphans: set[Key] = set()
        """What Envoy may have taken in from a response that it refused, and did not live to tell."""

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - of a model, not of a secret
        self.envoy = Envoy(self.random)
        self.to_envoy: list[Response] = []
        self.stream = Stream(None, Tallies(), {})
        for model in MODELS[:2]:
            self.route(model, {1, 2}, "")
        self.share({"a", "b"}, "")
        self.settle()

    # What is published.

    @rule(model=models, revisions=st.sets(st.sampled_from(REVISIONS), min_size=1), fault=faults)
    def route(self, model: str, revisions: set[int], fault: str) -> None:
        """A model and its split; what it names is there, what it named before may go at once."""
        self.split[model] = tuple(sorted(revisions))
        for revision in revisions:
            for type_ in (Type.CLUSTER, Type.ENDPOINTS):
                if f"{model}/{revision}" not in self.resources[type_]:
                    self.put(type_, f"{model}/{revision}")
        if model not in self.resources[Type.LISTENER]:
            self.put(Type.LISTENER, model)
        self.put(Type.ROUTES, model, fault, clusters=tuple(f"{model}/{revision}" for revision in self.split[model]))
        self.tidy()
        self.publish()

    @rule(type_=st.sampled_from([Type.CLUSTER, Type.LISTENER]), number=st.integers(0, 9), fault=faults)
    def change(self, type_: Type, number: int, fault: str) -> None:
        names = list(self.resources[type_])
        if names:
            self.put(type_, names[number % len(names)], fault)
            self.publish()

    @rule(type_=st.sampled_from([Type.CLUSTER, Type.LISTENER]), number=st.integers(0, 9), moves=st.integers(0, 2))
    def there_and_back(self, type_: Type, number: int, moves: int) -> None:
        """A change that is taken back before Envoy has said a word of it."""
        names = list(self.resources[type_])
        if not names:
            return
        name = names[number % len(names)]
        before = self.resources[type_][name]
        self.put(type_, name)
        self.publish()
        self.send(moves)
        self.resources[type_][name] = before
        self.publish()

    @rule(number=st.integers(0, 9), fault=faults)
    def endpoints(self, number: int, fault: str) -> None:
        """New endpoints are the next thing that is sent, whatever else there is to say."""
        names = list(self.resources[Type.ENDPOINTS])
        if not names:
            return
        name = names[number % len(names)]
        self.put(Type.ENDPOINTS, name, fault)
        self.publish()
        wanted = self.resources[Type.ENDPOINTS][name].version
        if name not in self.stream._client.names[Type.ENDPOINTS]:
            return
        while response := self.stream.next_response():
            self.to_envoy.append(response)
            assert response.type is Type.ENDPOINTS, "something went before endpoints"
            held = response.items.get(name)
            if held and held.version == wanted:
                return
        raise AssertionError("endpoints were held back")

    @rule(model=models)
    def remove(self, model: str) -> None:
        self.split.pop(model, None)
        self.tidy()
        self.publish()

    @rule(models=st.sets(models), fault=faults)
    def share(self, models: set[str], fault: str) -> None:
        """The route of several models."""
        models &= set(self.split)
        if not models:
            self.resources[Type.ROUTES].pop(SHARED, None)
            self.resources[Type.LISTENER].pop(SHARED, None)
        else:
            if SHARED not in self.resources[Type.LISTENER]:
                self.put(Type.LISTENER, SHARED)
            named = tuple(f"{model}/{revision}" for model in sorted(models) for revision in self.split[model])
            self.put(Type.ROUTES, SHARED, fault, clusters=named)
        self.tidy()
        self.publish()

    # What happens on the way.

    @rule(moves=st.integers(1, 12))
    def exchange(self, moves: int) -> None:
        """Some of it goes on, in any order."""
        for _ in range(moves):
            self.random.choice([self.send, self.arrive, self.answer])(self.random.randint(1, 5))

    @rule()
    def settle(self) -> None:
        """All of it comes to its end, but for connections that drain."""
        for _ in range(500):
            self.send(5)
            if not self.to_envoy and not self.envoy.said:
                return
            self.arrive(5)
            self.answer(5)
        raise AssertionError("they talk on and on")

    @rule()
    def drain(self) -> None:
        self.envoy.drain()

    @rule(arrives=st.booleans())
    def reconnect(self, arrives: bool) -> None:  # noqa: FBT001
        """The stream breaks; what was under way to Envoy may still arrive."""
        while arrives and self.to_envoy:
            self.envoy.take(self.to_envoy.pop(0))
        self.to_envoy.clear()
        self.stream_breaks()
        self.stream = Stream(self.snapshot, Tallies(), self.stream.memory())
        self.envoy.reconnect()

    @rule(published=st.booleans())
    def restart_agent(self, published: bool) -> None:  # noqa: FBT001
        """An agent that remembers nothing."""
        if set(self.envoy.warming) & set(self.envoy.active):
            return  # it died between a cluster and its endpoints: whether newer ones are good it cannot know
        self.to_envoy.clear()
        self.stream_breaks()
        self.stream = Stream(self.snapshot if published else None, Tallies(), {})
        self.envoy.reconnect()

    @rule()
    def restart_envoy(self) -> None:
        self.to_envoy.clear()
        self.stream = Stream(self.snapshot, Tallies(), self.stream.memory())
        self.envoy = Envoy(self.random)
        self.orphans.clear()

    def teardown(self) -> None:
        """In the end Envoy has what was published last, but for what it refuses and what that holds up."""
        if not hasattr(self, "stream"):
            return
        self.publish()
        self.settle()
        while self.envoy.draining:
            self.envoy.drain()
        self.settle()
        self.compare(self.envoy.has())

    # The rest.

    @invariant()
    def what_is_believed_is_so(self) -> None:
        """Whenever Envoy is said to run all that is published, it does."""
        if not hasattr(self, "stream") or not self.stream.state().whole:
            return
        has, rejected = self.envoy.has(), self.stream.state().rejected
        for type_, resources in self.resources.items():
            for name, resource in resources.items():
                if (type_, name) not in rejected and not self.stuck(resource):
                    assert has[type_].get(name) == resource.version, (type_, name)

    def stream_breaks(self) -> None:
        client = self.stream._client
        self.orphans |= (set(client.doubtful) | set(client.flight)) - set(client.held)

    def send(self, count: int) -> None:
        for _ in range(count):
            if response := self.stream.next_response():
                self.to_envoy.append(response)
        self.nothing_was_overlooked()

    def arrive(self, count: int) -> None:
        for _ in range(min(count, len(self.to_envoy))):
            self.envoy.take(self.to_envoy.pop(0))

    def answer(self, count: int) -> None:
        for _ in range(min(count, len(self.envoy.said))):
            self.stream.receive(self.envoy.said.pop(0))

    def compare(self, has: Mapping[Type, Mapping[str, str]]) -> None:
        state = self.stream.state()
        assert state.whole
        assert not self.envoy.warming
        held = {key: each.version for key, each in self.stream._client.held.items()}
        have = {(type_, name): version for type_, them in has.items() for name, version in them.items()}
        assert held.items() <= have.items()
        # Endpoints that are said to be gone are kept by Envoy.
        more = {key for key in set(have) - set(held) if key[0] is not Type.ENDPOINTS}
        assert more <= self.orphans | set(self.stream._client.doubtful)
        assert {key: each.version for key, each in state.acked.items()}.items() <= held.items()
        for type_, resources in self.resources.items():
            for name, resource in resources.items():
                bad = bool(read(resource).fault)
                assert bad is ((type_, name) in state.rejected) or self.stuck(resource)
                if not bad and not self.stuck(resource):
                    assert has[type_].get(name) == resource.version, (type_, name)
        named = {cluster for route in self.envoy.routes.values() if route for cluster in route[1]}
        orphans = {name for _, name in self.orphans}
        if all(held.needs is not None for held in self.stream._client.held.values()):  # else one cannot know
            assert set(has[Type.CLUSTER]) <= set(self.resources[Type.CLUSTER]) | named | orphans
        assert set(has[Type.LISTENER]) <= set(self.resources[Type.LISTENER]) | orphans

    def stuck(self, resource: Resource) -> bool:
        """It needs something that Envoy refuses and has no older version of."""
        has = self.envoy.has()
        # What came in a refused batch, and was refused when it had changed, may be there: one cannot rely on it.
        lacking = set(self.stream._client.doubtful) | {
            (type_, name) for type_, them in self.resources.items() for name in them if name not in has[type_]
        }
        wanted = {key: self.resources[key[0]].get(key[1]) for key in lacking}
        refused = {key for key, each in wanted.items() if each and read(each).fault}
        needs = self.snapshot.needs.get(resource.name, frozenset())
        match resource.type:
            case Type.ENDPOINTS:
                return (Type.CLUSTER, resource.name) in refused
            case Type.CLUSTER:  # changed while nobody knows the endpoints that Envoy has
                return (Type.ENDPOINTS, resource.name) in self.stream.state().rejected
            case _:
                return (Type.LISTENER, resource.name) in refused or any(
                    (type_, name) in refused for name in needs for type_ in (Type.CLUSTER, Type.ENDPOINTS)
                )

    def nothing_was_overlooked(self) -> None:
        """Once there is nothing to send, there is nothing to be done about any name."""
        if response := self.stream.next_response():
            self.to_envoy.append(response)
            return
        if self.stream._snapshot is None:
            return
        client = self.stream._client
        keys = {(type_, name) for type_, them in self.resources.items() for name in them}
        keys |= set(client.held) | set(client.doubtful)
        for key in keys:
            assert step(View(self.snapshot, client), key) in {Step.NOTHING, Step.WAIT}, key

    def put(self, type_: Type, name: str, fault: str = "", clusters: tuple[str, ...] = ()) -> None:
        self.numbers += 1
        self.resources[type_][name] = Body(self.numbers, fault, clusters).resource(type_, name)

    def tidy(self) -> None:
        """What no model has any longer goes."""
        for name in [name for name in self.resources[Type.ROUTES] if name != SHARED and name not in self.split]:
            del self.resources[Type.ROUTES][name]
            del self.resources[Type.LISTENER][name]
        if shared := self.resources[Type.ROUTES].get(SHARED):
            left = [each for each in read(shared).clusters if self.is_named(each)]
            if left and tuple(left) != read(shared).clusters:
                self.put(Type.ROUTES, SHARED, clusters=tuple(left))
            elif not left:
                del self.resources[Type.ROUTES][SHARED]
                del self.resources[Type.LISTENER][SHARED]
        for type_ in (Type.CLUSTER, Type.ENDPOINTS):
            for name in [name for name in self.resources[type_] if not self.is_named(name)]:
                del self.resources[type_][name]

    def is_named(self, cluster: str) -> bool:
        model, _, revision = cluster.partition("/")
        return int(revision) in self.split.get(model, ())

    def publish(self) -> None:
        needs = {name: frozenset(read(each).clusters) for name, each in self.resources[Type.ROUTES].items()}
        self.snapshot = Snapshot({type_: dict(them) for type_, them in self.resources.items()}, needs)
        self.stream.publish(self.snapshot)


TestExchange = Exchange.TestCase
TestExchange.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
