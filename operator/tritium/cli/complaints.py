"""Why a command could not do its work: one line with what, which object, and the remedy. Pure."""

from collections.abc import Mapping
from typing import Any

from tritium.api import names
from tritium.kube.errors import ApiError, Conflict, Unavailable
from tritium.kube.kinds import CONTROLLER_REVISIONS, MODEL_DEPLOYMENTS, SERVICES

INSTALL = (
    "install Tritium: helm install tritium charts/tritium --namespace tritium-system --create-namespace, or the CRD "
    "alone: tritium crd | kubectl apply --server-side -f -"
)

_RESOURCES = {
    kind.kind: f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    for kind in (MODEL_DEPLOYMENTS, CONTROLLER_REVISIONS, SERVICES)
}


class Complaint(Exception):
    """The command ends with 1, and this is what it says."""


def of_api(error: ApiError) -> Complaint:
    """What an answer of the API server means to somebody at a terminal.

    >>> from tritium.kube.errors import Asked, Refused, error
    >>> asked = Asked("patch", MODEL_DEPLOYMENTS, "ml", "fraud")
    >>> print(of_api(error(asked, 403, {"reason": "Forbidden", "message": 'User "bob" cannot patch'})))
    you may not patch modeldeployments.serving.tritium.dev in namespace ml (fraud): ask for a Role that allows the \
verb patch on it. The API server says: User "bob" cannot patch
    """
    where = f"{error.namespace}/{error.name}" if error.name else f"namespace {error.namespace}"
    if error.status == 401:
        return Complaint(f"the API server does not accept your credentials: log in again ({error.message})")
    if error.reason == "Forbidden":
        return Complaint(f"{_forbidden(error)} The API server says: {error.message}")
    if error.status == 404 and error.reason != "NotFound":
        return Complaint(f"the cluster knows no {error.kind} of {names.API_VERSION}: {INSTALL}")
    if isinstance(error, Conflict):
        return Complaint(f"{error.kind} {where} was changed by somebody else at the same time: run the command again")
    if isinstance(error, Unavailable):
        return Complaint(f"{error}. See that the context is the right one: kubectl cluster-info")
    return Complaint(str(error))


def _forbidden(error: ApiError) -> str:
    resource = _RESOURCES.get(error.kind, error.kind)
    name = f" ({error.name})" if error.name else ""
    remedy = f"ask for a Role that allows the verb {error.verb} on it."
    where = f"namespace {error.namespace}" if error.namespace else "all namespaces"
    return f"you may not {error.verb} {resource} in {where}{name}: {remedy}"


def no_metrics(error: ApiError, place: str) -> str:
    """Why the operator's metrics cannot be read; `place` is its Service and the port.

    >>> from tritium.kube.errors import Asked, error
    >>> asked = Asked("get", SERVICES, "tritium-system", "tritium-metrics")
    >>> print(no_metrics(error(asked, 403, {"reason": "Forbidden"}), "tritium-metrics:8080"))
    you may not get services/proxy in namespace tritium-system (tritium-metrics:8080): ask for a Role that allows it
    >>> print(no_metrics(error(asked, 404, {"reason": "NotFound"}), "tritium-metrics:8080"))
    namespace tritium-system has no Service tritium-metrics: name the operator's with --operator
    """
    if error.reason == "Forbidden":
        right = f"{error.verb} services/proxy in namespace {error.namespace} ({place})"
        return f"you may not {right}: ask for a Role that allows it"
    if error.reason == "NotFound":
        return f"namespace {error.namespace} has no Service {error.name}: name the operator's with --operator"
    return f"the API server does not reach Service {error.namespace}/{error.name}: {error.message}"


def refused(path: str, status: int, answer: Mapping[str, Any]) -> Complaint:
    """A model, or the gateway, answers with an error, in its own words.

    >>> print(refused("/v2/models/fraud/infer", 400, {"error": "[request id: 7] no input X.  Give one. "}))
    the answer to /v2/models/fraud/infer is 400: [request id: 7] no input X. Give one; docs/requests.md says what each \
error means
    """
    said = " ".join(str(answer.get("error") or dict(answer)).split()).rstrip(".")
    return Complaint(f"the answer to {path} is {status}: {said}; docs/requests.md says what each error means")


def no_such(name: str, namespace: str, there: list[str]) -> Complaint:
    """There is no ModelDeployment of that name; `there` are those that the namespace has.

    >>> print(no_such("frau", "ml", ["churn", "fraud"]))
    there is no ModelDeployment frau in namespace ml; there are: churn, fraud
    """
    others = f"there are: {', '.join(sorted(there))}" if there else "there is none in it: name another with --namespace"
    return Complaint(f"there is no {names.KIND} {name} in namespace {namespace}; {others}")


def not_kept(name: str, number: int, kept: list[int]) -> Complaint:
    """A revision that is not kept.

    >>> print(not_kept("fraud", 1, [5, 3, 4]))
    revision 1 of fraud is not kept; kept are: 3, 4, 5
    """
    known = f"kept are: {', '.join(str(each) for each in sorted(kept))}" if kept else "none is kept yet"
    return Complaint(f"revision {number} of {name} is not kept; {known}")
