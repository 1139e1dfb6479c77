"""Faults put into the CRD on purpose: whatever the generator loses, a bad object gets through and a test is red.

Each fault is one rule or one bound taken away. A server that runs the faulty CRD must then treat a line of the
table differently, which is what makes the table worth having.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.controlplane.admission.bad_objects import against_bound, against_rule
from tests.controlplane.admission.objects import Bad, good
from tests.controlplane.admission.schema import BOUNDS, spec_nodes, whole
from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.crd import custom_resource_definition

RULES: Final = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the generator loses, and the lines of the table that have to notice."""

    path: str
    keyword: str
    value: Any
    noticed_by: tuple[Bad, ...]

    def put_into(self, crd: Object) -> None:
        """Take it out of the CRD."""
        node = dict(spec_nodes(crd))[self.path]
        if self.keyword == RULES:
            node[RULES].remove(self.value)
        else:
            del node[self.keyword]


def lost_rules() -> list[Fault]:
    """Each rule, but the one that compares with the object before."""
    return [
        Fault(path, RULES, rule, tuple(against_rule(path, rule)))
        for path, node in spec_nodes(custom_resource_definition())
        for rule in node.get(RULES, [])
        if "oldSelf" not in rule["rule"]
    ]


def lost_bounds() -> list[Fault]:
    """Each bound on the number of entries."""
    return [
        Fault(path, bound, node[bound], tuple(against_bound(path, bound, node[bound])))
        for path, node in spec_nodes(custom_resource_definition())
        for bound in BOUNDS
        if bound in node
    ]


class Server:
    """A server that takes one faulty CRD after the other, under a group of its own."""

    def __init__(self, api: Api, group: str) -> None:
        self.api = api
        self.group = group
        self.seed = 0

    async def install(self, crd: Object) -> None:
        """Apply the CRD, and wait until the server judges by it: only then it knows this seed."""
        self.seed += 1
        crd["metadata"]["name"] = f"{names.PLURAL}.{self.group}"
        crd["spec"]["group"] = self.group
        spec = whole(crd)["properties"]["spec"]
        spec["properties"]["seed"] = {"type": "string", "enum": [str(self.seed)]}
        await self.api.apply(crd, force=True)

        async def judged() -> bool:
            try:
                await self.create(good())
            except ApiError as error:
                if error.status in {404, 422, 429, 503}:  # not yet served, or judged by the CRD before
                    return False
                raise
            return True

        await wait_for(judged, 20, f"the CRD with seed {self.seed} is in force")

    async def create(self, obj: Object) -> None:
        """Ask for the object without storing it."""
        obj["apiVersion"] = f"{self.group}/{names.VERSION}"
        if isinstance(obj.get("spec"), dict):
            obj["spec"]["seed"] = str(self.seed)
        await self.api.create(obj, "default", fieldValidation="Strict", dryRun="All")

    async def refuses(self, bad: Bad) -> bool:
        """Whether the server still refuses a bad object as the table says."""
        try:
            await self.create(bad.object())
        except ApiError as error:
            return bad.says in error.message and bad.named in error.message
        return False


@pytest.mark.parametrize(
    ("lost", "at_once", "group"),
    # Rules are taken away ten at a time, since each line notices its own. A lost bound can make the CRD itself too
    # expensive, so those go one by one.
    [(lost_rules(), 10, "rules"), (lost_bounds(), 1, "bounds")],
    ids=["rules", "bounds"],
)
async def test_whatever_the_generator_loses_is_noticed(lost: list[Fault], at_once: int, group: str, api: Api) -> None:
    server = Server(api, f"{group}.seeded.tritium.dev")
    await server.install(custom_resource_definition())
    for fault in lost:
        assert fault.noticed_by, fault
        assert all([await server.refuses(bad) for bad in fault.noticed_by]), f"not refused before the fault: {fault}"

    unnoticed = []
    for start in range(0, len(lost), at_once):
        faults = lost[start : start + at_once]
        crd = custom_resource_definition()
        for fault in faults:
            fault.put_into(crd)
        try:
            await server.install(crd)
        except ApiError as error:
            if at_once == 1 and "exceeds budget" in error.message:
                continue  # the server takes no such CRD: all is red
            raise
        unnoticed += [fault for fault in faults if all([await server.refuses(bad) for bad in fault.noticed_by])]
    assert unnoticed == []
