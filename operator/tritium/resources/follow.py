"""The Jobs that look for changes at sources: one for each server and credentials in a namespace.

They belong to no single ModelDeployment: like the gateway they go with the last one of the namespace, by its anchor.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from tritium.api import names
from tritium.api.fetch import FetchRequest
from tritium.api.follow import FOLLOW_VARIABLE, MOST, Followed, FollowRequest
from tritium.api.source import OF_AN_ALIAS, Source
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.status import SourceStatus
from tritium.core.following import group
from tritium.core.revision import length
from tritium.resources import fetch, sizing
from tritium.resources.gateway.identity import Gateway
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering
from tritium.resources.seal import sealed
from tritium.resources.security import pod_security

LABELS: Final[Mapping[str, str]] = {
    names.MANAGED_BY: names.FIELD_MANAGER,
    names.COMPONENT: names.Component.FOLLOW.value,
}
"""On everything that looks for changes, and on nothing else."""

_LARGEST: Final = 96 * 1024
"""Bytes of what is told of the sources: a variable of a pod's environment has 128 KiB."""

_BACKOFF_LIMIT: Final = 1_000_000
"""A look that fails is told, and is no failure of the pod. What ends a pod otherwise, such as its node, is no reason to
give up; Kubernetes waits longer each time, six minutes at most."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A source to be looked at.

    Attributes:
        owner: its ModelDeployment.
        spec: of that.
        known: what it was last found to hold.
        looked: when it was last looked at, as far as that is known.
        failing: it could not be listed then.
    """

    owner: Owner
    spec: ModelDeploymentSpec
    known: SourceStatus
    looked: datetime
    failing: bool = False

    @property
    def source(self) -> Source:
        """Where to look."""
        return self.spec.model.source

    def followed(self) -> Followed:
        """What the pod has to know of it."""
        # How it is laid out, and who signed it, makes no difference to what is there.
        request = FetchRequest(
            source=self.source.model_copy(update={"poll_interval": None}),
            model=self.spec.model.name or self.owner.name,
            fingerprint=self.known.fingerprint,
        )
        return Followed(
            name=self.owner.name,
            written=self.known.written,
            request=request,
            every=length(self.source.looked_at or OF_AN_ALIAS).total_seconds(),
            looked=self.looked,
            failing=self.failing,
        )


def follow_jobs(gateway: Gateway, watched: Iterable[Watched], rendering: Rendering) -> list[dict[str, Any]]:
    """A Job for each server and credentials; where there are very many sources, several."""
    return [_job(gateway, each, rendering) for each in _groups(watched)]


def followed_names(job: Mapping[str, Any]) -> list[str]:
    """Names of the ModelDeployments whose sources a Job looks at."""
    (variable,) = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return [each.name for each in FollowRequest.model_validate_json(variable["value"]).sources]


def _groups(watched: Iterable[Watched]) -> Iterator[Sequence[Watched]]:
    def key(each: Watched) -> tuple[str, ...]:
        return group(each.source)

    in_order = sorted(watched, key=lambda each: (key(each), each.owner.name))
    for _, of_group in groupby(in_order, key):
        some: list[Watched] = []
        for each in of_group:
            if len(some) == MOST or _size([*some, each]) > _LARGEST:
                yield some
                some = []
            some.append(each)
        yield some


def _size(watched: Sequence[Watched]) -> int:
    return sum(len(fetch.wire(each.followed())) for each in watched)


def _job(gateway: Gateway, watched: Sequence[Watched], rendering: Rendering) -> dict[str, Any]:
    request = FollowRequest(
        sources=[each.followed() for each in watched],
        allowed_networks=list(rendering.allowed_networks) or None,
        refused_networks=list(rendering.refused_networks) or None,
    )
    wire = fetch.wire(request)
    pull = sorted({name for each in watched for name in fetch.pull_secrets(each.spec)})
    asked, first = request.sources[0].request, watched[0].spec
    container = fetch.container(
        "follow",
        asked,
        resources=sizing.resolve_resources(),
        mounts=[],
        rendering=rendering,
        variable=(FOLLOW_VARIABLE, wire),
    )
    pod = {
        "restartPolicy": "OnFailure",
        "containers": [container],
        "volumes": fetch.volumes(asked),
        **fetch.identity(first),
        **({"imagePullSecrets": [{"name": name} for name in pull]} if pull else {}),
        **fetch.placement(*(each.spec for each in watched)),
        "securityContext": pod_security(),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
    }
    mark = hashlib.sha256(json.dumps([wire, pull, rendering.fetch_image]).encode()).hexdigest()[:8]
    return sealed(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            # Another request, another name: the template of a Job cannot be changed.
            "metadata": {**gateway.metadata(f"{names.FOLLOW}-{mark}"), "labels": dict(LABELS)},
            "spec": {
                "backoffLimit": _BACKOFF_LIMIT,
                "podReplacementPolicy": "Failed",
                "template": {"metadata": {"labels": dict(LABELS)}, "spec": pod},
            },
        }
    )
