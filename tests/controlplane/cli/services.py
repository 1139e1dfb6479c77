"""A Service whose pod is a process of this machine, as far as the API server can tell."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.controlplane.gateway.relay import address, relayed
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.api import Api


@asynccontextmanager
async def service(api: Api, namespace: str, name: str, port: int, *, leads_to: int) -> AsyncIterator[None]:
    """A Service with a port that leads to one of the loopback device's."""
    own, labels = address(), {"app": name}
    async with relayed(leads_to) as (outside,):
        # Pods without a node are no endpoints.
        node = f"{namespace}-{name}"
        await api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
        spec = {"nodeName": node, "containers": [{"name": "it", "image": "example.invalid/it:1"}]}
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        await api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        ready = {"podIP": own, "podIPs": [{"ip": own}], "conditions": [{"type": "Ready", "status": "True"}]}
        running = {"status": {"phase": "Running", **ready}}
        await api.patch("v1/pods", name, namespace, running, subresource="status")
        ports = [{"name": "http", "port": port, "targetPort": outside}]
        about = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}}
        await api.create({**about, "spec": {"selector": labels, "ports": ports}})
        slices = "discovery.k8s.io/v1/endpointslices"
        selector = f"kubernetes.io/service-name={name}"
        await wait_for(
            lambda: api.list(slices, namespace, labelSelector=selector),
            until=lambda found: any(each.get("endpoints") for each in found),
        )
        try:
            yield
        finally:
            await api.delete("v1/nodes", node)
