"""What a person does with a rollout, with the operator at work."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.behaviour import CrashLoop, Ready
from tests.controlplane.cli.command import BIN
from tests.controlplane.operating.looking import pods_of

if TYPE_CHECKING:
    from tests.controlplane.cli.command import Command
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

ONE, TWO = (f"s3://models/fraud/{number}" for number in (1, 2))
NO_MODEL = "error: creating server: Internal - failed to load all models"

pytestmark = pytest.mark.usefixtures("operator")


async def test_two_revisions_are_told_apart_and_gone_between(
    tritium: Command, models: Models, control_plane: ControlPlane
) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    await models.apply(uri=TWO)
    await models.settled(revision=2)

    space = models.namespace
    screen = await tritium.ok("status", "fraud")
    assert screen.startswith(f"fraud  in {space}  Promoting  Serving\nhttp://fraud.{space}.svc:8000\n")
    assert "stable  2  ████████████████  100 %  1/1 ready" in screen
    assert "tritium abort fraud  send all requests back to revision 1" in screen, "it bakes"
    data = await tritium.json("status", "fraud")
    assert (data["phase"], data["stable"]["revision"], data["upToDate"]) == ("Promoting", 2, True)

    newest, oldest = await tritium.json("history", "fraud")
    assert (newest["revision"], newest["role"], newest["author"]) == (2, "stable", "tests")
    assert {"path": "source.uri", "from": ONE, "to": TWO} in newest["changes"]
    assert oldest["revision"] == 1
    assert oldest["demotedAt"]
    assert f"source  {ONE}" in await tritium.ok("history", "fraud")

    difference = await tritium.ok("diff", "fraud")
    assert f"-  uri: {ONE}\n+  uri: {TWO}\n" in difference
    assert f"-  uri: {TWO}\n+  uri: {ONE}\n" in await tritium.ok("diff", "fraud", "2", "1")

    completion = replace(tritium, program=BIN / "kubectl_complete-tritium")
    assert await completion.ok("status", "fr") == "fraud\tPromoting Serving\n:4\n"
    assert await completion.ok("undo", "fraud", "--to", "") == "2\tstable\n1\tkept\n:4\n"
    assert await completion.ok("diff", "fraud", "-n", space, "1") == "1\tkept\n:4\n"
    assert await completion.ok("status", "-n", "elsewhere", "") == ":4\n"
    kubectl = replace(tritium, program=control_plane.binaries["kubectl"])
    assert (await kubectl("__complete", "tritium", "status", "fr")).out == "fraud\tPromoting Serving\n:4\n"

    said = await tritium.ok("undo", "fraud")
    assert said.startswith("fraud is pinned to revision 1 instead of revision 2: spec.pinRevision is 1 now.\n")
    await models.settled(revision=1)
    assert "pinned to revision 1" in await tritium.ok("status", "fraud")
    assert (await tritium.json("history", "fraud"))[0]["rejected"]["reason"] == "RolledBack"

    assert (await tritium.json("undo", "fraud", "--to=2"))["pinRevisionBefore"] == 1
    await models.settled(revision=2)
    (manager,) = {
        each["manager"]
        for each in (await models.get())["metadata"]["managedFields"]
        if "f:pinRevision" in each["fieldsV1"].get("f:spec", {})
    }
    assert manager == "tritium-cli"


async def test_what_undo_did_is_taken_back_as_it_says(
    tritium: Command, models: Models, control_plane: ControlPlane
) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    await models.apply(uri=TWO)
    await models.settled(revision=2)
    said = await tritium.ok("undo", "fraud")
    await models.settled(revision=1)
    (command,) = (line.strip() for line in said.splitlines() if "kubectl patch" in line)
    arguments, _, patch = command.removeprefix("kubectl ").partition(" -p ")
    control_plane.kubectl(*arguments.split(), "-p", patch.strip("'"))
    assert "pinRevision" not in (await models.get())["spec"]


async def test_retry_says_what_came_of_it(tritium: Command, models: Models, kubelet: Kubelet) -> None:
    kubelet.rule(pods_of("fraud", TWO), CrashLoop(message=NO_MODEL))
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    await models.apply(uri=TWO)
    await models.until("it is turned down", phase="Aborted")
    screen = await tritium.ok("status", "fraud")
    assert "Aborted  ModelLoadFailed" in screen
    assert "tritium retry fraud" in screen
    kubelet.rule(pods_of("fraud", TWO), Ready())
    said = await tritium.ok("retry", "fraud")
    assert said.startswith("retry fraud: done. It was Aborted, revision 1 serves, and is ")
    await models.settled(revision=2)


async def test_promote_without_a_rollout_is_refused(tritium: Command, models: Models) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    message = "fraud has no rollout under way: Idle, revision 1 serves. There is nothing to promote"
    assert await tritium.refused("promote", "fraud") == f"tritium: {message}"
    assert "annotations" not in (await models.get())["metadata"]


async def test_it_is_a_plugin_of_kubectl(tritium: Command, models: Models, control_plane: ControlPlane) -> None:
    await models.apply(uri=ONE)
    await models.until("it is tried", phase="Initial")
    plugin = replace(tritium, program=control_plane.binaries["kubectl"])
    listed = await plugin.ok("tritium", "status")
    assert listed.splitlines()[0].split() == ["NAME", "PHASE", "REASON", "STABLE", "READY", "CANDIDATE", "AGE"]
    assert listed.splitlines()[1].startswith("fraud")
    await models.settled(revision=1)
    assert "kubectl tritium status fraud" in await plugin.ok("tritium", "undo", "fraud", "--to=1")


async def test_a_pipe_that_follows_gets_a_line_for_each_change(tritium: Command, models: Models) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    following = await tritium.start("status", "fraud", "--watch", "--output=json")
    try:
        assert following.stdout
        first = json.loads(await following.stdout.readline())
        assert first["stable"]["revision"] == 1
        await models.apply(uri=TWO)
        async for line in following.stdout:
            if json.loads(line)["stable"]["revision"] == 2:
                break
        await models.api.delete("serving.tritium.dev/v1alpha1/modeldeployments", "fraud", models.namespace)
        _, err = await following.communicate()
    finally:
        if following.returncode is None:
            following.kill()
    assert following.returncode == 1
    assert err.decode().startswith("tritium: fraud is gone: there is no ModelDeployment fraud in namespace")


async def test_a_terminal_gets_a_screen_until_ctrl_c(tritium: Command, models: Models) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    ours, theirs = pty.openpty()
    following = await tritium.start("status", "fraud", "--watch", stdout=theirs)
    os.close(theirs)
    shown = b""
    try:
        while shown.count(b"Ctrl-C ends this") < 2:  # it is drawn again and again
            shown += await asyncio.to_thread(os.read, ours, 65_536)
        following.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(following.wait(), 20) == 0
    finally:
        if following.returncode is None:
            following.kill()
        os.close(ours)
    assert b"\x1b[" in shown
