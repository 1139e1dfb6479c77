"""The Jobs that look for changes: what travels to them, and where they run."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from tests.unit.resources.golden import RENDERING, UID, owner_of
from tritium.api.follow import MOST, FollowRequest
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.status import SourceStatus
from tritium.resources.follow import Watched, follow_jobs, followed_names
from tritium.resources.gateway.identity import Gateway

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GATEWAY = Gateway("ml", f"{UID}3")
KNOWN = SourceStatus(written="sha256:" + "a" * 64, fingerprint="sha256:" + "f" * 64, at=NOON)
ONE_STRING = 128 * 1024
"""Bytes that Linux takes in a variable of the environment."""


def watched(name: str, uri: str = "s3://models/fraud", **more: Any) -> Watched:
    spec = {"model": {"source": {"uri": uri, "pollInterval": "1m", **more.pop("source", {})}}, **more}
    return Watched(owner_of({"metadata": {"name": name}}), ModelDeploymentSpec.model_validate(spec), KNOWN, NOON)


def variable(job: dict[str, Any]) -> str:
    (found,) = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return str(found["value"])


def test_one_job_looks_at_many_and_what_is_large_is_shared_out() -> None:
    keys = ["-----BEGIN PUBLIC KEY-----\n" + "k" * 400] * 16
    networks = tuple(ip_network(f"10.{number}.0.0/16") for number in range(64))
    rendering = RENDERING.__class__(
        RENDERING.fetch_image, RENDERING.triton_image, allowed_networks=networks, signature_keys=tuple(keys)
    )
    small = [watched(f"model-{number}") for number in range(MOST)]
    (job,) = follow_jobs(GATEWAY, small, rendering)
    assert len(followed_names(job)) == MOST
    assert len(variable(job)) < ONE_STRING / 2
    assert FollowRequest.model_validate_json(variable(job)).allowed_networks == list(networks)

    long = "s3://models/" + "x" * 2000
    options = {"endpoint": "https://s3.example.com", "region": "r" * 1000}
    large = [watched(f"model-{number}", long, source={"options": options}) for number in range(MOST)]
    jobs = follow_jobs(GATEWAY, large, rendering)
    assert len(jobs) > 1
    assert all(len(variable(each)) < ONE_STRING for each in jobs)
    assert sorted(name for each in jobs for name in followed_names(each)) == sorted(each.owner.name for each in large)


def test_it_runs_where_the_models_may_and_with_a_claim_where_they_do() -> None:
    tolerations = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    server = {"nodeSelector": {"pool": "gpu"}, "tolerations": tolerations}
    (anywhere,) = follow_jobs(GATEWAY, [watched("a", server=server), watched("b", server=server)], RENDERING)
    pod = anywhere["spec"]["template"]["spec"]
    assert pod["tolerations"] == tolerations
    assert "nodeSelector" not in pod
    (beside,) = follow_jobs(GATEWAY, [watched("a", "pvc://training/fraud", server=server)], RENDERING)
    assert beside["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "gpu"}
