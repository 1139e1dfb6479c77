"""Reads what this package needs from a go.mod file: the pinned versions and the tools.

Go's own file is the only place where a version is written; this is the small reader that saves repeating it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

RENAMED = {"go.etcd.io/etcd/server/v3": "etcd"}
"""Programs whose usual name is not the last part of their package."""

MAJOR_VERSION = re.compile(r"v\d+")


@dataclass(frozen=True)
class GoModule:
    """One folder with a go.mod: the tools it pins."""

    folder: Path
    tools: Mapping[str, str]
    """Program name to Go package."""
    requires: Mapping[str, str]
    """Module path to version."""

    @property
    def name(self) -> str:
        """The folder's name, which is the module's short name here."""
        return self.folder.name

    def version(self, path: str) -> str:
        """The pinned version of a module."""
        return self.requires[path]


def read(folder: Path) -> GoModule:
    """Read a folder's go.mod."""
    text = (folder / "go.mod").read_text()
    tools = {program(line): line for line in directives(text, "tool")}
    requires = dict(line.split()[:2] for line in directives(text, "require"))
    return GoModule(folder, tools, requires)


def program(package: str) -> str:
    """Name a package's program.

    >>> program("k8s.io/kubernetes/cmd/kubectl"), program("go.etcd.io/etcd/server/v3")
    ('kubectl', 'etcd')
    """
    return RENAMED.get(package) or executable(package)


def executable(package: str) -> str:
    """Name the file that `go build` writes for a package.

    >>> executable("go.etcd.io/etcd/server/v3")
    'server'
    """
    *_, parent, last = ["", *package.split("/")]
    return parent if MAJOR_VERSION.fullmatch(last) else last


def directives(text: str, keyword: str) -> Iterator[str]:
    r"""Every value of a directive, from its block form and its one-line form.

    >>> list(directives("tool a/b\ntool (\n\tc/d // why\n)\n", "tool"))
    ['a/b', 'c/d']
    """
    inside = False
    for line in (raw.split("//")[0].strip() for raw in text.splitlines()):
        if line == f"{keyword} (":
            inside = True
        elif line == ")":
            inside = False
        elif inside and line:
            yield line
        elif line.startswith(f"{keyword} "):
            yield line.removeprefix(f"{keyword} ")
