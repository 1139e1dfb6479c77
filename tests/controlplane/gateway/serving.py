"""What the operator and Kubernetes write for a gateway, written by the test: `status.traffic` and EndpointSlices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import MDEP, model_deployment
from tritium.api import names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.controlplane.api import Api

SLICES = "discovery.k8s.io/v1/endpointslices"


@dataclass(frozen=True, slots=True)
class Serving:
    """The ModelDeployments of one test's namespace, and the endpoints of their revisions."""

    api: Api
    namespace: str

    async def create(self, name: str = "fraud") -> None:
        """A ModelDeployment without a status."""
        await self.api.create(model_deployment(self.namespace, name, "s3://models/fraud/1"))

    async def tell(self, version: int, port: int, *weights: tuple[int, int], name: str = "fraud", **more: Any) -> None:
        """Write `status.traffic`: (revision, weight) in the order of the shares; the Services are `<name>-<number>`."""
        revisions = [
            {"revision": number, "service": f"{name}-{number}", "weight": weight} for number, weight in weights
        ]
        traffic = {"version": version, "port": port, "model": "adder", "revisions": revisions, **more}
        await self.api.patch(MDEP, name, self.namespace, {"status": {"traffic": traffic}}, subresource="status")

    async def forget(self, name: str = "fraud") -> None:
        """Take `status.traffic` away."""
        await self.api.patch(MDEP, name, self.namespace, {"status": {"traffic": None}}, subresource="status")

    async def delete(self, name: str = "fraud") -> None:
        """Delete the ModelDeployment."""
        await self.api.delete(MDEP, name, self.namespace)

    async def endpoints(
        self,
        service: str,
        ready: Iterable[str],
        *,
        ports: tuple[int, int] = (8000, 8001),
        leaving: Iterable[str] = (),
        name: str = "x",
    ) -> None:
        """Write an EndpointSlice of a revision's Service."""
        labels = {
            "kubernetes.io/service-name": service,
            names.MANAGED_BY: names.FIELD_MANAGER,
            names.REVISION: "0123abcd",
        }
        there = [{"addresses": [each], "conditions": {"ready": True}} for each in ready]
        going = [{"addresses": [each], "conditions": {"ready": False, "terminating": True}} for each in leaving]
        http, grpc = ports
        await self.api.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": f"{service}-{name}", "namespace": self.namespace, "labels": labels},
                "addressType": "IPv4",
                "ports": [{"name": "http", "port": http}, {"name": "grpc", "port": grpc}],
                "endpoints": [*there, *going],
            },
            force=True,
        )

    async def drop_endpoints(self, service: str, name: str = "x") -> None:
        """Delete an EndpointSlice."""
        await self.api.delete(SLICES, f"{service}-{name}", self.namespace)
