"""Runs `fetch` on volumes of several sizes, each of which is full before the model is there.

    unshare --map-root-user --mount python tests/sync/filling.py BYTES …

The volumes are file systems in memory, which only this process and its children see. What is free is not looked at
beforehand, as if others had filled the volume meanwhile. For each there is a line with the exit code, the answer and
what is left on the volume.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tritium.sync.__main__ import ROOT_VARIABLE, main
from tritium.sync.publish import Shelf


def fill(root: Path, size: int) -> None:
    """One run on a volume of so many bytes."""
    models = root / "models"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(models)], check=True)
    pid = os.fork()
    if pid == 0:
        os._exit(main(["fetch"], os.environ))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    answer = json.loads((root / "dev" / "termination-log").read_text())
    left = sorted(each.name for each in models.iterdir())
    sys.stdout.write(json.dumps({"size": size, "code": code, "answer": answer, "left": left}) + "\n")
    sys.stdout.flush()
    subprocess.run(["umount", str(models)], check=True)


if __name__ == "__main__":
    setattr(Shelf, "free", lambda _: 1 << 60)  # noqa: B010 - what a type checker must not see
    for each in sys.argv[1:]:
        fill(Path(os.environ[ROOT_VARIABLE]), int(each))
