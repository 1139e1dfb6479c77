"""Revisions of the ModelDeployment `fraud`, made by the operator's own builders."""

from __future__ import annotations

from typing import Any

from tests.unit.cli.samples import UID, Object
from tests.unit.resources.golden import RENDERING
from tritium.core.authorship import UNKNOWN, Authorship
from tritium.core.revision import revision_hash, written_hash
from tritium.resources.controller_revision import controller_revision
from tritium.resources.owner import Owner
from tritium.resources.pod_template import pod_template

OWNER = Owner.of({"metadata": {"name": "fraud", "namespace": "ml", "uid": UID}})
MADE = ("2026-02-20T09:01:00Z", "2026-02-27T16:20:00Z", "2026-03-01T11:54:30Z")


def spec(number: int, **server: Any) -> Object:
    return {"model": {"source": {"uri": f"s3://models/fraud/{number}"}}, **({"server": server} if server else {})}


def revision(
    number: int, made: str, written: Object, size: int = 100 * 1024**2, authorship: Authorship = UNKNOWN
) -> Object:
    """A ControllerRevision as the API server stores it."""
    fingerprint = "sha256:" + f"{number:x}f" * 32
    key = written_hash(written)
    name = revision_hash(key, fingerprint)
    obj = controller_revision(
        OWNER,
        hash=name,
        number=number,
        written=key,
        fingerprint=fingerprint,
        model="fraud",
        files=3,
        size=size,
        template=pod_template(OWNER, written, hash=name, fingerprint=fingerprint, size=size, rendering=RENDERING),
        authorship=authorship,
    )
    obj["metadata"]["creationTimestamp"] = made
    return obj


NEW_IMAGE: Object = {"image": "nvcr.io/nvidia/tritonserver:26.09-py3", "args": ["--http-thread-count=8"]}
SPECS = (spec(1), spec(2), spec(3, **NEW_IMAGE))
NOTED = (UNKNOWN, Authorship("argocd-controller", "Retrained on the transactions of February (FRAUD-212)"), UNKNOWN)
"""The second revision says itself whose it is; the others were made before revisions did."""
REVISIONS = tuple(revision(index + 1, MADE[index], each, authorship=NOTED[index]) for index, each in enumerate(SPECS))

KEPT = [
    {
        "revision": each["revision"],
        "name": each["metadata"]["name"],
        "written": each["data"]["written"],
        "fingerprint": each["data"]["fingerprint"],
        "digest": "sha256:" + f"{each['revision']:x}" * 64,
    }
    for each in REVISIONS
]
"""As the status lists them, all having been fetched."""

KEPT[0] |= {"promotedAt": "2026-02-20T09:03:00Z", "demotedAt": "2026-02-27T16:31:00Z"}
KEPT[1] |= {"promotedAt": "2026-02-27T16:31:00Z"}


def managed(manager: str, time: str, *paths: str, subresource: str = "") -> Object:
    """A record of who wrote which fields of the spec, such as `model.source.uri`."""
    fields: Object = {}
    for path in paths:
        at = fields
        for part in ("spec", *path.split(".")):
            at = at.setdefault(f"f:{part}", {})
    entry = {"manager": manager, "operation": "Apply", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields}
    return entry | ({"subresource": subresource} if subresource else {})
