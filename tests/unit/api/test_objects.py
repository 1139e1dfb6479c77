"""Reading objects: the spec refuses what it does not know, the status passes over it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tritium.api.spec import ModelDeploymentSpec
from tritium.api.status import ModelDeploymentStatus, Phase

SOURCE = {"uri": "s3://models/fraud/7"}


def test_members_are_read_by_their_kubernetes_names() -> None:
    spec = ModelDeploymentSpec.model_validate(
        {"model": {"source": SOURCE}, "pinRevision": 3, "server": {"shmSize": "1Gi", "gpu": {"count": 2}}}
    )
    assert spec.pin_revision == 3
    assert spec.server is not None
    assert (spec.server.shm_size, spec.server.gpu and spec.server.gpu.count) == ("1Gi", 2)


def test_an_unknown_member_of_the_spec_is_refused() -> None:
    """An operator that went back a version must not overlook what a newer one was told."""
    with pytest.raises(ValidationError, match="surprise"):
        ModelDeploymentSpec.model_validate({"model": {"source": SOURCE}, "surprise": 1})


def test_an_unknown_member_of_the_status_is_passed_over() -> None:
    status = ModelDeploymentStatus.model_validate({"phase": "Idle", "fromALaterVersion": {"a": 1}})
    assert status.phase is Phase.IDLE


def test_what_was_read_is_written_back_as_it_was() -> None:
    written = {"model": {"source": SOURCE, "smokeTest": [{"inputs": [
        {"name": "x", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]}]}]}, "replicas": 2}  # fmt: skip
    spec = ModelDeploymentSpec.model_validate(written)
    assert spec.model_dump(by_alias=True, exclude_unset=True) == written
