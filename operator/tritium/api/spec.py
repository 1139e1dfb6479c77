"""The spec: everything a user says about a model service."""

from typing import ClassVar

from pydantic import Field

from tritium.api.model import Model
from tritium.api.object import ApiObject
from tritium.api.rollout import Rollout
from tritium.api.rules import Rule
from tritium.api.scaling import Replicas, Scaling
from tritium.api.server import Server
from tritium.api.traffic import Experiment, RequestLog, Routing, Traffic
from tritium.api.values import Revision

_EXTERNAL = "has(self.scaling) && has(self.scaling.mode) && self.scaling.mode == 'External'"
_AUTO = "has(self.scaling) && (!has(self.scaling.mode) || self.scaling.mode == 'Auto')"


class ModelDeploymentSpec(ApiObject):
    """What should be served. Only model.source is needed."""

    rules: ClassVar = (
        Rule(
            f"!has(self.replicas) || !({_AUTO})",
            "replicas and scaling exclude each other, but in the modes Recommend and External",
            field=".replicas",
        ),
        Rule(
            f"!({_EXTERNAL}) || has(self.replicas)",
            "with scaling.mode External a start value is needed",
            field=".replicas",
            reason="FieldValueRequired",
        ),
        Rule(
            "!has(self.rollout) || !has(self.rollout.strategy) || self.rollout.strategy != 'recreate' || "
            "!has(self.experiment) && (!has(self.traffic) || !has(self.traffic.mirror))",
            "with rollout.strategy recreate only one revision runs: there is none for an experiment or for copies",
            field=".rollout",
        ),
        Rule(
            "!has(self.experiment) || has(self.model.source.mlflow) || "
            "self.experiment.arms.all(arm, !has(arm.model) || !has(arm.model.source) || !has(arm.model.source.mlflow))",
            "an arm's mlflow is another version of what model.source.mlflow names, and it is absent; set the arm's uri",
            field=".experiment",
        ),
    )

    model: Model
    """The model."""
    server: Server | None = None
    """The Triton pod. Absent: the tested image on the CPU."""
    replicas: Replicas | None = None
    """Pods of the stable revision. Absent: 1, or what scaling finds."""
    scaling: Scaling | None = None
    """Replicas that follow the work, instead of replicas."""
    rollout: Rollout | None = None
    """How a new revision takes over."""
    experiment: Experiment | None = None
    """An A/B test."""
    traffic: Traffic | None = None
    """What the gateway does with requests."""
    logging: RequestLog | None = None
    """A sample of requests for drift and quality jobs. Absent: nothing is logged."""
    routing: Routing | None = None
    """Where the model can be reached besides its Service."""
    pin_revision: Revision | None = None
    """Serve this kept revision, and roll nothing out while this is set."""
    revision_history_limit: int | None = Field(default=None, ge=1, le=50)
    """Revisions that are kept to go back to. Absent: 5."""
