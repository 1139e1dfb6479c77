"""What the API server's answers become: one line with what, which object, and the remedy."""

from __future__ import annotations

import pytest

from tritium.cli.complaints import of_api
from tritium.kube.errors import Asked, Unavailable, error
from tritium.kube.kinds import CONTROLLER_REVISIONS, MODEL_DEPLOYMENTS

ONE = Asked("get", MODEL_DEPLOYMENTS, "ml", "fraud")
ALL = Asked("list", CONTROLLER_REVISIONS, "ml", None)


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (error(ONE, 401, {"reason": "Unauthorized"}), ["log in again"]),
        (
            error(ALL, 403, {"reason": "Forbidden", "message": 'User "bob" cannot list'}),
            ["you may not list controllerrevisions.apps in namespace ml", "a Role that allows the verb list", '"bob"'],
        ),
        (
            error(ONE, 404, {"message": "404 page not found"}),
            ["knows no ModelDeployment", "helm install", "tritium crd"],
        ),
        (error(ONE, 409, {"reason": "Conflict"}), ["ModelDeployment ml/fraud was changed", "run the command again"]),
        (Unavailable.because(ONE, "Unreachable", "refused"), ["refused", "kubectl cluster-info"]),
        (
            error(ONE, 422, {"reason": "Invalid", "message": "spec: no"}),
            ["cannot get ModelDeployment ml/fraud: spec: no"],
        ),
    ],
)
def test_a_complaint_says_what_and_what_to_do(answer: Exception, parts: list[str]) -> None:
    said = str(of_api(answer))  # type: ignore[arg-type]
    assert all(part in said for part in parts), said
