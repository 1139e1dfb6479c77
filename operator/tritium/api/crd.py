"""The CustomResourceDefinition, made from the pydantic models: the one source of what is accepted."""

from typing import Any, Final

from tritium.api import names
from tritium.api.rules import Rule
from tritium.api.schema import Schema, structural
from tritium.api.spec import ModelDeploymentSpec
from tritium.api.status import ModelDeploymentStatus

_NAME: Final = Rule(
    f"self.metadata.name.size() <= {names.MAX_NAME} && self.metadata.name.matches(r'^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    f"metadata.name names a Service: at most {names.MAX_NAME} lower-case letters, digits and -, first a letter",
)
_NOT_THE_GATEWAY: Final = Rule(
    f"self.metadata.name != '{names.GATEWAY}'",
    f"metadata.name must not be {names.GATEWAY}: the gateway of the namespace has a Service of that name",
)
_MODEL_NAME: Final = "(has({0}.spec.model.name) ? {0}.spec.model.name : {0}.metadata.name)"
_MODEL_NAME_STAYS: Final = Rule(
    f"{_MODEL_NAME.format('self')} == {_MODEL_NAME.format('oldSelf')}",
    "the name that clients use stays the same across revisions; create another ModelDeployment for another name",
    field=".spec.model",
)

COLUMNS: Final = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
    ("Released", "string", '.status.conditions[?(@.type=="Released")].status'),
    ("Phase", "string", ".status.phase"),
    ("Reason", "string", ".status.reason"),
    ("Stable", "integer", ".status.stable.revision"),
    ("Candidate", "integer", ".status.candidate.revision"),
    ("Weight", "integer", ".status.candidate.weight"),
    ("Replicas", "integer", ".status.replicas"),
    ("Age", "date", ".metadata.creationTimestamp"),
)
"""What `kubectl get mdep` shows: name, type, and where it stands."""


def custom_resource_definition() -> dict[str, Any]:
    """The CRD as an API server takes it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": names.CRD_NAME,
            "annotations": {names.SCHEMA_ANNOTATION: str(names.SCHEMA_NUMBER)},
            "labels": {"app.kubernetes.io/name": "tritium"},
        },
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": names.KIND,
                "listKind": names.LIST_KIND,
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": list(names.SHORT_NAMES),
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in COLUMNS],
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "schema": {"openAPIV3Schema": object_schema()},
    }


def object_schema() -> Schema:
    """The schema of a whole ModelDeployment."""
    return {
        "type": "object",
        "description": "A model served by Triton behind one stable address.",
        "required": ["spec"],
        "x-kubernetes-validations": [rule.validation() for rule in (_NAME, _NOT_THE_GATEWAY, _MODEL_NAME_STAYS)],
        "properties": {
            # The server itself describes these three.
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(ModelDeploymentSpec.model_json_schema(by_alias=True)),
            "status": structural(ModelDeploymentStatus.model_json_schema(by_alias=True)),
        },
    }
