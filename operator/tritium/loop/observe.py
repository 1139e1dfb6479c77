"""From the store to a snapshot: what is known of one ModelDeployment, read out of Kubernetes' objects."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from tritium.api import names
from tritium.api.fetch import DIGEST_KEY, FetchProgress
from tritium.core.diagnosis import NotAResolution, deployment_seen, logger_seen, pod_seen, resolution_seen, service_seen
from tritium.core.revision import revision_of
from tritium.core.sample import Sample
from tritium.core.scaling.work import Work
from tritium.core.seen import (
    DeploymentSeen,
    GatewaySeen,
    PodSeen,
    QuerySeen,
    Refusal,
    ResolutionSeen,
    Seen,
    SignatureSeen,
    SmokeSeen,
    Trouble,
    WindowSeen,
)
from tritium.kube import kinds
from tritium.kube.store import Key, Store
from tritium.loop.followers import NOTHING_HEARD, OfSource
from tritium.resources.controller_revision import NotARevision, read_controller_revision

log = logging.getLogger(__name__)
Object = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known from others than the API server's watches.

    Attributes:
        smoke: what pods made of the smoke test, by their uid.
        refusals: objects that could not be had.
        without_pods: by a Job's uid, why it can make no pod.
        gateways: the pods of the namespace's gateway, and what each says.
        gateway_trouble: why there is none.
        port: the port on the gateway, or why none can be had.
        window: what was counted since the gates of the rollout's step count.
        queries: what Prometheus says to the rollout's queries, by their names.
        has_prometheus: there is one that can be asked.
        totals: by the number of a revision, what it did in the experiment.
        signatures: which tensors the models of pods have, by the pod's uid.
        progress: how far the fetch of pods is, by the pod's uid.
        followed: what was told of changes at the source.
        work: what is known of the work, where the replicas follow it.
    """

    smoke: Mapping[str, SmokeSeen]
    refusals: Iterable[Refusal]
    without_pods: Mapping[str, Trouble]
    gateways: tuple[GatewaySeen, ...]
    gateway_trouble: Trouble | None
    port: int | Trouble
    window: WindowSeen | None = None
    queries: Mapping[str, QuerySeen] = field(default_factory=dict)
    has_prometheus: bool = False
    totals: Mapping[int, Sample] = field(default_factory=dict)
    signatures: Mapping[str, SignatureSeen] = field(default_factory=dict)
    progress: Mapping[str, FetchProgress] | None = None
    followed: OfSource = NOTHING_HEARD
    work: Work | None = None


def observe(store: Store, key: Key, owner: str, heard: Heard) -> Seen:
    """The newest facts.

    Args:
        store: what the watches, the sweeps and our own writes have brought.
        key: the ModelDeployment.
        owner: its uid; objects of a predecessor of the same name are not seen.
        heard: what is known beside.
    """
    port, refusals = heard.port, tuple(heard.refusals)
    log = names.request_log(key.name)
    by_name = {_name(each): each for each in owned(store, key, kinds.DEPLOYMENTS, owner)}
    logger = by_name.pop(log, None)
    deployments = {revision_of(name): each for name, each in by_name.items()}
    pods = store.children(key, kinds.PODS)
    services = {_name(each): each for each in owned(store, key, kinds.SERVICES, owner)}
    service, preview = services.get(key.name), services.get(names.preview_service(key.name))
    return Seen(
        revisions=tuple(_readable(read_controller_revision, owned(store, key, kinds.CONTROLLER_REVISIONS, owner))),
        deployments=tuple(_deployments(deployments.values())),
        pods=tuple(_pods(pods, deployments)),
        resolutions=tuple(_resolutions(owned(store, key, kinds.JOBS, owner), pods, heard.without_pods)),
        service=service_seen(service) if service else None,
        digests=_digests(owned(store, key, kinds.CONFIG_MAPS, owner)),
        smoke=heard.smoke,
        signatures=heard.signatures,
        progress=heard.progress,
        refusals=tuple(each for each in refusals if not _is_of_preview(each, key) and each.name != log),
        preview_refusal=next((each for each in refusals if _is_of_preview(each, key)), None),
        logger=logger_seen(logger, pods) if logger else None,
        log_refusal=next((each for each in refusals if each.name == log), None),
        preview=service_seen(preview).port if preview else None,
        gateways=heard.gateways,
        port=port if isinstance(port, int) else None,
        gateway_trouble=port if isinstance(port, Trouble) else heard.gateway_trouble,
        window=heard.window,
        queries=heard.queries,
        has_prometheus=heard.has_prometheus,
        totals=heard.totals,
        followed=heard.followed.told,
        unfollowed=heard.followed.trouble,
        work=heard.work,
    )


def owned(store: Store, key: Key, kind: kinds.Kind, owner: str) -> list[Object]:
    """Children of that kind whose controller is this very ModelDeployment."""
    return [each for each in store.children(key, kind) if controller(each) == owner]


def controller(obj: Object) -> str | None:
    """The uid of an object's controlling owner."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in references if each.get("controller")), None)


def jobs_without_pods(store: Store, key: Key, owner: str) -> list[Object]:
    """Jobs that are not over and have no pod: nothing but their Events can say why."""
    pods = store.children(key, kinds.PODS)
    return [
        job
        for job in owned(store, key, kinds.JOBS, owner)
        if not _conditions(job) & {"Complete", "Failed"} and not any(controller(pod) == _uid(job) for pod in pods)
    ]


def _is_of_preview(refusal: Refusal, key: Key) -> bool:
    return (refusal.kind, refusal.name) == (kinds.SERVICES.kind, names.preview_service(key.name))


def _deployments(deployments: Iterable[Object]) -> Iterable[DeploymentSeen]:
    return (deployment_seen(each) for each in deployments)


def _pods(pods: Iterable[Object], deployments: Mapping[str, Object]) -> Iterable[PodSeen]:
    for pod in pods:
        labels = pod["metadata"]["labels"]
        deployment = deployments.get(labels.get(names.REVISION, ""))
        if labels.get(names.COMPONENT) != names.Component.MODEL or deployment is None:
            continue
        # Pods of a deleted predecessor of the same name may still be there; they are older than the Deployment.
        if _created(pod) >= _created(deployment):
            yield pod_seen(pod)


def _resolutions(
    jobs: Iterable[Object], pods: Iterable[Object], without_pods: Mapping[str, Trouble]
) -> Iterable[ResolutionSeen]:
    pods = list(pods)

    def read(job: Object) -> ResolutionSeen:
        mine = [pod for pod in pods if controller(pod) == _uid(job)]
        seen = resolution_seen(job, mine)
        refused = without_pods.get(_uid(job))
        return _with_trouble(seen, refused) if refused and not mine and seen.trouble is None else seen

    return _readable(read, jobs)


def _readable(read: Callable[[Object], T], objects: Iterable[Object]) -> Iterable[T]:
    """What can be read. Somebody has edited the others: they count as absent, and so are made again or removed."""
    for each in objects:
        try:
            yield read(each)
        except (NotARevision, NotAResolution) as error:
            _tell_once(_uid(each), str(error))


@lru_cache(maxsize=1024)
def _tell_once(uid: str, why: str) -> None:
    """Each pass meets the same object again."""
    log.warning("taken for absent: %s", why, extra={"uid": uid})


def _with_trouble(seen: ResolutionSeen, trouble: Trouble) -> ResolutionSeen:
    return replace(seen, trouble=trouble)


def _digests(config_maps: Iterable[Object]) -> dict[str, str]:
    return {
        revision_of(_name(each)): each["data"][DIGEST_KEY]
        for each in config_maps
        if DIGEST_KEY in (each.get("data") or {})
    }


def _conditions(job: Object) -> set[str]:
    found = (job.get("status") or {}).get("conditions") or ()
    return {str(each["type"]) for each in found if each.get("status") == "True"}


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _uid(obj: Object) -> str:
    return str(obj["metadata"]["uid"])


def _created(obj: Object) -> str:
    """RFC 3339 in UTC and without fractions, as the API server writes it: it sorts as text."""
    return str(obj["metadata"]["creationTimestamp"])
