"""What the user asks for: a ModelDeployment read into the terms that decisions are made in."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any, Final, Literal

from pydantic import ValidationError

from tritium.api import names
from tritium.api.scaling import Scaling
from tritium.api.source import Source
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.traffic import Arm, Experiment, Limits, SourceOverlay, Traffic
from tritium.api.traffic_status import TrafficLimits
from tritium.core.overlay import overlaid, overlay_hash, overlay_of
from tritium.core.request_log import LogWish, NotLoggable, log_wish
from tritium.core.revision import amount, duration, length, written_hash
from tritium.core.scaling.schedule import NoTime
from tritium.core.scaling.wish import Ignored, ScalingWish, scaling_wish
from tritium.core.strategy import NO_STEPS, settings, strategy

BAKE_TIME: Final = "10m"
HISTORY_LIMIT: Final = 5
_MOST_BYTES: Final = 2**50
_LARGEST: Final = 64 * 2**10
"""Bytes: they travel in one variable of a pod's environment, of which Linux takes 128 KiB."""
LONGEST_TOKEN: Final = 128
"""As much as `status.lastAction` takes; what is longer is cut, the same each time."""


Capacity = Literal["surge", "replace"]


@dataclass(frozen=True, slots=True)
class Action:
    """A one-shot action of a person: it is carried out once for each token."""

    verb: str
    token: str


@dataclass(frozen=True, slots=True)
class MirrorWish:
    """Copies of requests.

    Attributes:
        percent: of the requests.
        revision: number of the kept revision that gets them; none for the candidate of a rollout.
    """

    percent: int
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class RoutingWish:
    """What is asked of the gateway."""

    sticky_header: str | None = None
    limits: TrafficLimits | None = None
    host: str | None = None
    path: str | None = None
    mirror: MirrorWish | None = None


@dataclass(frozen=True, slots=True)
class ArmWish:
    """One arm of an experiment.

    Attributes:
        percent: of the traffic.
        revision: number of the kept revision that it is; none where it is the base's model with changes.
        overlay: hash of these changes, as they are written.
        written: hash of the fields that make its revision, as the base is written now.
        matches: headers, in lower case, and their values: requests that have all of them go to it.
    """

    name: str
    percent: int
    revision: int | None = None
    overlay: str = ""
    written: str = ""
    matches: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ExperimentWish:
    """An experiment.

    Attributes:
        written: hash of it as it is written: one that is changed is another.
    """

    written: str
    arms: tuple[ArmWish, ...]
    sticky_header: str | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One generation of a spec.

    Attributes:
        model: name of the model in Triton.
        written: hash of the fields that make a revision.
        replicas: pods of the stable revision; what scaling finds stands here, too (`core.scaling.size`).
        scaling: replicas that follow the work.
        bake_time: how long the old revision keeps its pods.
        pin: number of the revision to serve, whatever the spec says.
        smoke_tests: hash of the tests that a new revision has to pass; empty if there are none.
        action: what a person asked for, by an annotation.
        routing: what is asked of the gateway.
        strategy: how a rollout that begins now proceeds (`core.strategy`); empty: all of the traffic at once.
        next_strategy: the same as the spec says it, where a rollout goes on by another; none where it does not.
        paused: `rollout.paused`.
        capacity: `rollout.capacity`.
        experiment: the A/B test.
        enforces: `rollout.compatibility` is Enforce.
        follows: changes at the source are looked for.
        log: the request log; none where nothing is logged.
        log_wrong: why it cannot be written as it is asked for; empty if it can. Nothing else waits for that.
    """

    namespace: str
    name: str
    generation: int
    model: str
    written: str
    replicas: int
    bake_time: timedelta
    history_limit: int
    pin: int | None = None
    smoke_tests: str = ""
    action: Action | None = None
    routing: RoutingWish = RoutingWish()
    strategy: str = ""
    next_strategy: str | None = None
    paused: bool = False
    enforces: bool = True
    capacity: Capacity = "surge"
    experiment: ExperimentWish | None = None
    follows: bool = False
    scaling: ScalingWish | None = None
    log: LogWish | None = None
    log_wrong: str = ""

    @property
    def asleep(self) -> bool:
        """Whether there are to be no pods, since nobody asks the model anything."""
        return self.scaling is not None and self.scaling.acts and self.scaling.may_sleep and not self.replicas

    @property
    def replaces(self) -> bool:
        """Whether the stable revision gives pods up for its successor: of one it has none to give."""
        pod_by_pod = self.strategy == NO_STEPS or strategy(self.strategy).steps
        return self.capacity == "replace" and self.replicas > 1 and bool(pod_by_pod)

    @property
    def recreates(self) -> bool:
        """Whether the old pods go before there are new ones."""
        return strategy(self.strategy).recreates


class SpecInvalid(ValueError):
    """The spec is not one that this version understands; the text has each field's path."""


def wish(obj: Mapping[str, Any]) -> Wish:
    """Read a ModelDeployment as the API server stores it.

    Raises:
        SpecInvalid: it was admitted by another version's CRD.

    >>> wish({"metadata": {"namespace": "ml", "name": "fraud", "generation": 3},
    ...       "spec": {"model": {"source": {"uri": "s3://models/fraud/7"}}}}).replicas
    1
    """
    metadata = obj["metadata"]
    spec = read_spec(obj)
    rollout = spec.rollout
    log, log_wrong = _log(spec)
    return Wish(
        namespace=metadata["namespace"],
        name=metadata["name"],
        generation=metadata["generation"],
        model=spec.model.name or metadata["name"],
        written=written_hash(obj["spec"]),
        replicas=1 if spec.replicas is None else spec.replicas,
        bake_time=length((rollout.bake_time if rollout else None) or BAKE_TIME),
        history_limit=spec.revision_history_limit or HISTORY_LIMIT,
        pin=spec.pin_revision,
        smoke_tests=smoke_tests(obj["spec"]),
        action=_action((metadata.get("annotations") or {}).get(names.ACTION)),
        routing=_routing(spec),
        strategy=settings(rollout),
        paused=bool(rollout and rollout.paused),
        capacity=(rollout.capacity if rollout else None) or "surge",
        experiment=_experiment(spec.experiment, obj["spec"]) if spec.experiment else None,
        enforces=not rollout or rollout.compatibility != "Warn",
        follows=spec.model.source.looked_at is not None,
        scaling=_scaling(spec.scaling),
        log=log,
        log_wrong=log_wrong,
    )


def _log(spec: ModelDeploymentSpec) -> tuple[LogWish | None, str]:
    try:
        return log_wish(spec), ""
    except NotLoggable as wrong:
        return None, f"spec.logging.{wrong}"


def _scaling(scaling: Scaling | None) -> ScalingWish | None:
    try:
        return scaling_wish(scaling)
    except (NoTime, Ignored) as wrong:
        raise SpecInvalid(f"spec.scaling.{wrong}") from wrong


def read_spec(obj: Mapping[str, Any]) -> ModelDeploymentSpec:
    """The spec as the API's own type.

    Raises:
        SpecInvalid: it was admitted by another version's CRD.
    """
    try:
        spec = ModelDeploymentSpec.model_validate(obj["spec"])
    except ValidationError as error:
        found = "; ".join(
            f"spec.{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
        )
        raise SpecInvalid(found[:2000]) from error
    _check_size(obj["spec"]["model"])
    _check_options(spec.model.source)
    for place, arm in enumerate(spec.experiment.arms if spec.experiment else ()):
        if arm.model and arm.model.source:
            _check_arm_options(spec.model.source, place, arm.model.source)
    return spec


def _check_options(source: Source) -> None:
    """Nothing is silently ignored; the rules of the schema have no room for this one.

    Where a registered model lies is known when it is looked up, so `fetch` looks at that.

    >>> _check_options(Source(uri="pvc://models/fraud", options={"endpoint": "https://s3.example.com"}))
    Traceback (most recent call last):
    tritium.core.wish.SpecInvalid: spec.model.source.options: pvc:// does not use endpoint; remove it (docs/sources.md)
    """
    scheme = (source.uri or "").partition("://")[0]
    if source.uri and (unused := source.unused(scheme)):
        raise SpecInvalid(
            f"spec.model.source.options: {scheme}:// does not use {', '.join(unused)}; remove it (docs/sources.md)"
        )


def _check_arm_options(base: Source, place: int, other: SourceOverlay) -> None:
    """An arm has the settings of the base, and no others: one that is elsewhere would not use them.

    >>> base = Source(uri="s3://models/fraud", options={"endpoint": "https://s3.example.com"})
    >>> _check_arm_options(base, 0, SourceOverlay(uri="s3://models/deep"))
    >>> _check_arm_options(base, 1, SourceOverlay(uri="pvc://models/deep"))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    tritium.core.wish.SpecInvalid: spec.experiment.arms[1].model.source.uri: pvc:// does not use endpoint, which an arm
    has from spec.model.source.options; copy its model to where the base's lies (docs/experiments.md)
    """
    scheme = (other.uri or "").partition("://")[0]
    if other.uri and (unused := base.unused(scheme)):
        raise SpecInvalid(
            f"spec.experiment.arms[{place}].model.source.uri: {scheme}:// does not use {', '.join(unused)}, which an "
            "arm has from spec.model.source.options; copy its model to where the base's lies (docs/experiments.md)"
        )


def _check_size(model: Mapping[str, Any]) -> None:
    """No schema can bound the bytes of several members together.

    >>> _check_size({"warmup": [{"inputs": [{"name": "X", "data": ["a" * 70_000]}]}]})
    Traceback (most recent call last):
    tritium.core.wish.SpecInvalid: spec.model.warmup: has more than 64 KiB; leave data away, for zeros of any shape
    """
    # A dollar sign takes six characters in there.
    sizes = [len(json.dumps(model.get(each)).replace("$", "\\u0024")) for each in ("warmup", "config")]
    if sizes[0] > _LARGEST:
        raise SpecInvalid("spec.model.warmup: has more than 64 KiB; leave data away, for zeros of any shape")
    if sum(sizes) > _LARGEST:
        raise SpecInvalid(
            "spec.model.config: has, with warmup, more than 64 KiB as JSON in ASCII; put settings into config.pbtxt, "
            "or leave data in warmup away"
        )


def smoke_tests(spec: Mapping[str, Any]) -> str:
    """A short hash of the smoke tests as they are written; empty if there are none.

    >>> smoke_tests({"model": {}}), len(smoke_tests({"model": {"smokeTest": [{"inputs": []}]}}))
    ('', 16)
    """
    tests = spec["model"].get("smokeTest")
    return hashlib.sha256(json.dumps(tests, sort_keys=True).encode()).hexdigest()[:16] if tests else ""


def _routing(spec: ModelDeploymentSpec) -> RoutingWish:
    traffic, routing = spec.traffic, spec.routing
    sticky, mirror = (traffic.sticky, traffic.mirror) if traffic else (None, None)
    return RoutingWish(
        sticky_header=sticky.header.lower() if sticky else None,
        limits=_limits(traffic) if traffic else None,
        host=routing.host if routing else None,
        path=(routing.path or "").rstrip("/") or None if routing else None,
        mirror=MirrorWish(mirror.percent, mirror.revision) if mirror else None,
    )


def _experiment(asked: Experiment, spec: Mapping[str, Any]) -> ExperimentWish:
    text = asked.model_dump_json(by_alias=True, exclude_none=True)
    return ExperimentWish(
        written=hashlib.sha256(text.encode()).hexdigest()[:16],
        arms=tuple(_arm(each, spec) for each in asked.arms),
        sticky_header=asked.sticky.header.lower() if asked.sticky else None,
        ends_at=asked.ends_at,
    )


def _arm(arm: Arm, spec: Mapping[str, Any]) -> ArmWish:
    headers, overlay = arm.match.headers if arm.match else (), overlay_of(spec, arm.name)
    return ArmWish(
        name=arm.name,
        percent=arm.weight,
        revision=arm.revision,
        overlay=overlay_hash(overlay) if arm.model else "",
        written=written_hash(overlaid(spec, overlay)) if arm.model else "",
        matches=tuple((each.name.lower(), each.value) for each in headers),
    )


def _limits(traffic: Traffic) -> TrafficLimits | None:
    """Only what is written; what is not has the gateway's own default."""
    limits = traffic.limits or Limits()
    asked = TrafficLimits(
        timeout_ms=duration(traffic.timeout)["microseconds"] // 1000 if traffic.timeout else None,
        max_request_bytes=_bytes("maxRequestBytes", limits.max_request_bytes),
        max_response_bytes=_bytes("maxResponseBytes", limits.max_response_bytes),
        max_concurrency=limits.max_concurrency,
        max_header_bytes=_bytes("maxHeaderBytes", limits.max_header_bytes),
    )
    return asked if asked != TrafficLimits() else None


def _bytes(limit: str, written: str | int | None) -> int | None:
    """A quantity as whole bytes, at least one, and not more than any machine has.

    Raises:
        SpecInvalid: it is out of all measure, such as 1e33, which the API server admits.

    >>> _bytes("maxRequestBytes", "1Ki"), _bytes("maxRequestBytes", "500m"), _bytes("maxRequestBytes", None)
    (1024, 1, None)
    """
    if written is None:
        return None
    known = amount(written)
    if "amount" not in known:
        raise SpecInvalid(f"spec.traffic.limits.{limit}: {written} is no number of bytes")
    return min(max(1, ceil(Fraction(known["amount"]))), _MOST_BYTES)


def _action(text: str | None) -> Action | None:
    """`retry@2026-11-24` is the verb and the token; what has no token is no action, for it would never end.

    >>> _action("retry@7"), _action("retry")
    (Action(verb='retry', token='7'), None)
    """
    verb, at, token = (text or "").partition("@")
    return Action(verb, token[:LONGEST_TOKEN]) if at and verb and token else None
