"""What goes wrong is one line with what, which object, and the remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.cli.command import Command
from tests.controlplane.ring import Credentials
from tests.ports import free_ports
from tritium.api import names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.api import Api
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

USER = "bob"
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def restricted(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Command:
    """The command of somebody without rights."""
    return Command(control_plane.user(USER).kubeconfig(tmp_path / "bob.kubeconfig", namespace))


async def allow(api: Api, namespace: str, *verbs: str) -> None:
    """Let that person do this with ModelDeployments."""
    metadata = {"name": "models", "namespace": namespace}
    version = {"apiVersion": f"{GROUP}/v1", "metadata": metadata}
    rule = {"apiGroups": ["serving.tritium.dev"], "resources": ["modeldeployments"], "verbs": list(verbs)}
    await api.create({**version, "kind": "Role", "rules": [rule]})
    subject = {"kind": "User", "name": USER, "apiGroup": GROUP}
    reference = {"kind": "Role", "name": "models", "apiGroup": GROUP}
    await api.create({**version, "kind": "RoleBinding", "subjects": [subject], "roleRef": reference})


async def test_a_name_that_is_not_there(tritium: Command, models: Models) -> None:
    space = models.namespace
    said = await tritium.refused("status", "frau")
    none = "there is none in it: name another with --namespace"
    assert said == f"tritium: there is no ModelDeployment frau in namespace {space}; {none}"
    assert "no ModelDeployment in this namespace" in await tritium.ok("status")
    assert await tritium.json("status") == []
    await models.apply("churn")
    await models.apply("fraud")
    said = await tritium.refused("promote", "frau")
    assert said == f"tritium: there is no ModelDeployment frau in namespace {space}; there are: churn, fraud"


async def test_rights_that_are_missing(restricted: Command, models: Models) -> None:
    space = models.namespace
    await models.apply()
    refused = (
        f"tritium: you may not get modeldeployments.serving.tritium.dev in namespace {space} (fraud): ask for a Role"
    )
    assert (await restricted.refused("status", "fraud")).startswith(refused)
    assert "you may not list modeldeployments" in await restricted.refused("status")
    await allow(models.api, space, "get")
    assert "not seen by the operator yet" in await restricted.ok("status", "fraud")
    assert "frau in namespace" in await restricted.refused("status", "frau")  # nothing to list is no reason to fail
    for verb, resource, command in (
        ("patch", "modeldeployments.serving.tritium.dev", ("retry", "fraud")),
        ("list", "controllerrevisions.apps", ("history", "fraud")),
    ):
        assert f"you may not {verb} {resource} in namespace {space}" in await restricted.refused(*command)


async def test_a_revision_that_is_not_kept(tritium: Command, models: Models) -> None:
    await models.apply()
    assert await tritium.refused("undo", "fraud", "--to=7") == (
        "tritium: revision 7 of fraud is not kept; none is kept yet"
    )
    assert "fraud has nothing to go back to: nothing has served yet" in await tritium.refused("undo", "fraud")
    assert "revision 1 of fraud is not kept" in await tritium.refused("diff", "fraud", "1", "2")


async def test_a_revision_of_another_object_of_that_name_is_not_its_own(tritium: Command, models: Models) -> None:
    await models.apply()
    metadata = {"name": "fraud-0a1b2c3d", "namespace": models.namespace, "labels": {names.OWNER: "fraud"}}
    about = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata}
    await models.api.create({**about, "revision": 1, "data": {"template": {}}})
    assert await tritium.json("history", "fraud") == []
    assert "no revision is kept yet" in await tritium.ok("history", "fraud")


async def test_a_cluster_without_the_crd(own_control_plane: ControlPlane, tmp_path: Path) -> None:
    command = Command(own_control_plane.admin.kubeconfig(tmp_path / "bare.kubeconfig"))
    said = await command.refused("status", "fraud")
    assert "the cluster knows no ModelDeployment of serving.tritium.dev/v1alpha1: install Tritium: helm install" in said


async def test_an_api_server_that_is_away(tmp_path: Path) -> None:
    nobody = Credentials(f"http://127.0.0.1:{free_ports(1)[0]}", None, "token")
    said = await Command(nobody.kubeconfig(tmp_path / "away.kubeconfig")).refused("status", "fraud")
    assert "the API server cannot be reached" in said
    assert "kubectl cluster-info" in said


async def test_credentials_that_are_not_taken(control_plane: ControlPlane, tmp_path: Path) -> None:
    wrong = Credentials(control_plane.url, control_plane.ca, "wrong")
    said = await Command(wrong.kubeconfig(tmp_path / "wrong.kubeconfig")).refused("status", "fraud")
    assert "the API server does not accept your credentials: log in again" in said


async def test_the_kubeconfig(tritium: Command, models: Models, tmp_path: Path) -> None:
    await models.apply()
    config = json.loads(tritium.kubeconfig.read_text())
    elsewhere = {"name": "elsewhere", "context": {"cluster": "ring", "user": "ring"}}
    broken = {"name": "broken", "context": {"cluster": "none", "user": "ring"}}
    tritium.kubeconfig.write_text(json.dumps({**config, "contexts": [*config["contexts"], elsewhere, broken]}))

    assert "in namespace default" in await tritium.refused("status", "fraud", "--context=elsewhere")
    assert "fraud" in await tritium.ok("status", "--context=elsewhere", "-n", models.namespace)
    assert "kubectl config get-contexts" in await tritium.refused("status", "--context=nowhere")
    assert "cannot be used" in await tritium.refused("status", "--context=broken")
    said = await replace(tritium, kubeconfig=tmp_path / "missing").refused("status")
    missing = f"there is no kubeconfig at {tmp_path}/missing; name one with KUBECONFIG, or run this inside a cluster"
    assert said == f"tritium: {missing}"


@pytest.mark.parametrize(
    "arguments",
    [("promote",), ("status", "--watch"), ("undo", "fraud", "--to=0"), ("infer", "fraud", "-i", "A=1", "-d", "f")],
)
async def test_what_was_typed_wrongly_ends_with_2(tritium: Command, arguments: tuple[str, ...]) -> None:
    said = await tritium(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "Usage: tritium" in said.err
