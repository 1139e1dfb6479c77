"""The deliberate bugs beside this file: each a patch with a head that says what is wrong, and who must notice.

A patch is a unified diff with one line of context, so that it survives edits around it, below a head of this form,
in which every part may go on in lines that begin with `#   `:

    # wrong: what the bug is
    # harm: what it would cost a user
    # red: tests/unit/test_that_must_fail.py::test_its_name
"""

from __future__ import annotations

import ast
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).parent
PARTS: Final = ("wrong", "harm", "red")


@dataclass(frozen=True, slots=True)
class Seeded:
    """One deliberate bug.

    Attributes:
        patch: what makes it.
        wrong: what the bug is.
        harm: what it would cost a user.
        red: the tests that have to notice, by pytest's names.
    """

    patch: Path
    wrong: str
    harm: str
    red: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the patch, without its ending."""
        return self.patch.stem


def names() -> list[str]:
    """All there are."""
    return sorted(each.stem for each in FOLDER.glob("*.patch"))


def read(name: str) -> Seeded:
    """One of them.

    Raises:
        ValueError: there is no such patch, or its head is not of the form above.
    """
    patch = FOLDER / f"{name}.patch"
    if not patch.exists():
        raise ValueError(f"there is no fault {name}; there are: {', '.join(names())}")
    parts = head(patch.read_text(encoding="utf-8"))
    if tuple(parts) != PARTS or not all(parts.values()):
        raise ValueError(f"{patch.name}: its head has to say, in this order: {', '.join(PARTS)}")
    return Seeded(patch, parts["wrong"], parts["harm"], tuple(parts["red"].split()))


def head(text: str) -> dict[str, str]:
    r"""The parts of a patch's head.

    >>> head("# wrong: it counts\n#   twice\n# red: a.py::b\n--- a/x\n+++ b/x\n")
    {'wrong': 'it counts twice', 'red': 'a.py::b'}
    """
    parts: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        name, _, said = line[2:].partition(":")
        if line.startswith("#   ") and parts:
            last = list(parts)[-1]
            parts[last] = f"{parts[last]} {line.strip('# ')}".strip()
        else:
            parts[name] = said.strip()
    return parts


def apply(fault: Seeded, tree: Path, *, check: bool = False) -> str:
    """Put the bug into a tree, or only see whether that can be done; what git has against it, nothing if it can."""
    command = ["git", "apply", *(["--check"] if check else []), str(fault.patch)]
    # A copy that lies below some repository is still none of its files, and git would silently pass them over.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.resolve().parent)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def missing(fault: Seeded, tree: Path = ROOT) -> list[str]:
    """Those of its tests that are not in the tree. The cases of a parametrized test are not looked for."""
    return [each for each in fault.red if not _exists(tree, each)]


def _exists(tree: Path, test: str) -> bool:
    path, _, name = test.partition("::")
    file = tree / path
    if not file.is_file() or not name:
        return False
    wanted = name.partition("[")[0].partition("::")[0]
    return wanted in _defined(ast.parse(file.read_text(encoding="utf-8")))


def _defined(module: ast.Module) -> set[str]:
    """What a module has at its top level."""
    found: set[str] = set()
    for each in module.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(each.name)
        elif isinstance(each, ast.Assign):
            found |= {target.id for target in each.targets if isinstance(target, ast.Name)}
    return found
