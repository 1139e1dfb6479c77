"""Envoy's resources as the agent handles them: named, versioned by content, and ready to be sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from google.protobuf.message import Message


class Type(StrEnum):
    """The types of resources the agent serves, by the URL that xDS has for each."""

    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
    ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
    RUNTIME = "type.googleapis.com/envoy.service.runtime.v3.Runtime"

    @property
    def word(self) -> str:
        """What people call it.

        >>> Type.ROUTES.word
        'RouteConfiguration'
        """
        return self.value.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class About:
    """Which ModelDeployment, and which version of its traffic, a resource was made from."""

    model: str
    uid: str
    version: int


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    Attributes:
        version: a hash of `body`: the same content has the same version, in every agent and after every restart.
        body: the message, serialised.
        about: makes no difference between two resources.
    """

    type: Type
    name: str
    version: str
    body: bytes
    about: About | None = field(default=None, compare=False)

    @classmethod
    def of(cls, type_: Type, name: str, message: Message, about: About | None = None) -> Self:
        """A resource of a message.

        >>> from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
        >>> Resource.of(Type.ENDPOINTS, "a", ClusterLoadAssignment(cluster_name="a")).version
        '23dca2a742961237'
        """
        body = message.SerializeToString(deterministic=True)
        return cls(type_, name, hashlib.sha256(body).hexdigest()[:16], body, about)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that Envoy is to have.

    Attributes:
        resources: by type and name.
        needs: by the name of a RouteConfiguration: the clusters it names. Each must be acknowledged, with its
            endpoints, before the route may be sent; none may be removed before the route that named it is replaced.
            The ClusterLoadAssignment of a cluster has the cluster's name.
    """

    resources: Mapping[Type, Mapping[str, Resource]] = field(default_factory=dict)
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
