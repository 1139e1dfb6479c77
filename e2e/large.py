"""A model with very many bytes: written inside of the cluster, and not loaded unless all of them are there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from e2e import adders, filler, objects, serving
from e2e.kubectl import Kubectl
from tritium.core import manifest
from tritium.core.manifest import FileEntry

_PROGRAM = Path(filler.__file__)


@dataclass(frozen=True, slots=True)
class Large:
    """A model of many small files and one large one.

    Attributes:
        count: small files.
        small: bytes of each.
        large: bytes of the large one.
    """

    count: int
    small: int
    large: int

    @property
    def total(self) -> int:
        """Bytes, without its few files of text."""
        return self.count * self.small + self.large

    def put(self, namespace: Kubectl, prefix: str, seconds: int = 120) -> None:
        """Write it into the bucket."""
        endpoint = f"http://s3.{namespace.namespace}.svc:7070"
        amounts = (str(each) for each in (self.count, self.small, self.large))
        name = f"filler-{prefix.replace('/', '-')}"
        pod = objects.operator(name, _PROGRAM.read_text(), endpoint, f"{prefix}/1", *amounts, command=("python3", "-c"))
        pod["spec"]["containers"][0]["env"] = [{"name": key, "value": text} for key, text in objects.S3_KEYS.items()]
        namespace.apply(pod)
        namespace.wait("pod", name, "jsonpath={.status.phase}=Succeeded", seconds=seconds)
        serving.put(namespace, self._texts(prefix))

    def digest(self) -> str:
        """What `source.digest` of it is, by its own bytes."""
        written = {f"1/{path}": size for path, size in filler.sizes(self.count, self.small, self.large).items()}
        entries = [FileEntry(path, size, _sha256(seed, size)) for seed, (path, size) in enumerate(written.items())]
        texts = self._texts("").items()
        entries += [FileEntry(path[1:], len(text), hashlib.sha256(text).hexdigest()) for path, text in texts]
        return manifest.digest(entries)

    def _texts(self, prefix: str) -> dict[str, bytes]:
        """A model that is not loaded unless it sees as many files and bytes as were written."""
        found = "[each.stat().st_size for each in pathlib.Path(__file__).parent.rglob('*.bin')]"
        check = f"import pathlib; sizes = {found}; assert (len(sizes), sum(sizes)) == ({self.count + 1}, {self.total})"
        return adders.files(prefix, initialize=check)


def _sha256(seed: int, size: int) -> str:
    found = hashlib.sha256()
    for piece in filler.content(seed, size):
        found.update(piece)
    return found.hexdigest()
