"""What one gateway pod said last, by ModelDeployment, and whom it concerns when it says something else. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tritium.api.gateway import GatewayReport, ModelReport
from tritium.core.seen import GatewayAnswer
from tritium.kube.glance import Glance


@dataclass(frozen=True, slots=True)
class Report:
    """See the module.

    Attributes:
        synced: the agent follows the API server, and Envoy the agent.
        models: by the ModelDeployment's name.
    """

    synced: bool
    envoy: str
    models: Mapping[str, ModelReport]

    @classmethod
    def of(cls, report: GatewayReport) -> Self:
        """A report as it came."""
        return cls(report.synced and report.connected, report.envoy, {each.name: each for each in report.models})

    def about(self, name: str, uid: str) -> GatewayAnswer:
        """What it says of one ModelDeployment; of another one of the same name it says nothing."""
        model = self.models.get(name)
        if model is None or model.uid != uid:
            return GatewayAnswer(self.synced, self.envoy)
        rejection = model.rejection
        return GatewayAnswer(
            synced=self.synced,
            envoy=self.envoy,
            version=model.version or None,  # 0: there is nothing yet, only a refusal
            weights={each.revision: each.weight for each in model.revisions},
            endpoints={each.revision: each.endpoints for each in model.revisions},
            preview=model.preview,
            holds=model.holds,
            rejected=f"{rejection.resource}: {rejection.message}" if rejection else None,
        )

    def lacks(self, name: str, glance: Glance) -> bool:
        """Whether what the status tells the gateway is yet to come; what Envoy has refused is not waited for."""
        if glance.version is None or glance.going:
            return False
        model = self.models.get(name)
        if model is None or model.uid != glance.uid:
            return True
        refused = model.rejection.version if model.rejection else None
        return glance.version not in {model.version, refused}


def concerned(before: Report | None, after: Report | None) -> frozenset[str] | None:
    """The names of the ModelDeployments of which a pod says something else now; None: it concerns all.

    >>> was = Report(True, "1.40.0", {"a": ModelReport(name="a", uid="1", version=3, port=10001, revisions=[])})
    >>> concerned(was, Report(True, "1.40.0", {})), concerned(was, was), concerned(None, was)
    (frozenset({'a'}), frozenset(), None)
    """
    if before is None or after is None:
        return None
    if (before.synced, before.envoy) != (after.synced, after.envoy):
        return None
    names = before.models.keys() | after.models.keys()
    return frozenset(name for name in names if before.models.get(name) != after.models.get(name))
