"""What the commands show in 80 columns, for the golden files in `tests/golden/cli`.

After a change that is meant, rewrite them and read the diff:

    python -m tests.unit.cli.golden
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.unit.cli.counted import told as told_metrics
from tests.unit.cli.revisions import KEPT, REVISIONS, SPECS, managed
from tests.unit.cli.samples import ABORTED, CANARY, COMPARED, COPIED, IDLE, NEW, NOW, OVER, Object, condition
from tests.unit.cli.stories import STORIES, told
from tritium.cli.facts.going_back import going_back
from tritium.cli.facts.history import history, pair
from tritium.cli.facts.model import read
from tritium.cli.facts.top import Sort, Top, rows
from tritium.cli.facts.usage import usage
from tritium.cli.printing import plain
from tritium.cli.views.answer import answer_view
from tritium.cli.views.diff import diff_view
from tritium.cli.views.going_back import going_back_view
from tritium.cli.views.history import history_view
from tritium.cli.views.status import status_view
from tritium.cli.views.status_list import status_line, status_list
from tritium.cli.views.top import top_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"
PROGRAM = "kubectl tritium"


def with_revisions(model: Object) -> Object:
    """The same with three kept revisions, the newest written by helm."""
    record = [managed("helm", "2026-03-01T11:54:20Z", "model.source.uri", "server.image", "replicas")]
    metadata = model["metadata"] | {"managedFields": record}
    return model | {"metadata": metadata, "spec": SPECS[2], "status": model["status"] | {"revisions": KEPT}}


def _status(model: Object) -> RenderableType:
    return status_view(read(model), NOW, PROGRAM)


def _story(name: str) -> RenderableType:
    obj, now = told(name)
    return status_view(read(obj), now, PROGRAM)


def _history(model: Object) -> RenderableType:
    facts = read(model)
    return history_view(facts, history(model, facts, REVISIONS), NOW, PROGRAM)


def _diff(model: Object) -> RenderableType:
    facts = read(model)
    return diff_view(facts, *pair(facts, history(model, facts, REVISIONS), None, None))


def _undo(model: Object) -> RenderableType:
    facts = read(model)
    return going_back_view(facts, going_back(facts, None), PROGRAM)


def _answer() -> RenderableType:
    outputs: list[dict[str, Any]] = [
        {"name": "SCORE", "datatype": "FP32", "shape": [1, 1], "data": [0.25]},
        {"name": "EMBEDDING", "datatype": "FP32", "shape": [1, 384], "data": [index / 8 for index in range(384)]},
    ]
    return answer_view("fraud", {"model_name": "fraud", "outputs": outputs}, "3", 12.4)


LISTED = (CANARY, ABORTED | {"metadata": ABORTED["metadata"] | {"name": "credit-card-limits"}}, IDLE, NEW)
PAUSED = CANARY | {"status": CANARY["status"] | {"phase": "Paused", "reason": "InsufficientData"}}
FETCHED = NEW | {
    "status": {
        "observedGeneration": 4,
        "phase": "Initial",
        "reason": "RollingOut",
        "fetching": "2.0 GiB of 5.0 GiB, 64.0 MiB/s, 48 s to go; the slowest of 3 pods",
        "conditions": [condition("Ready", "False", "Starting", "revision 1 is being made ready")],
    }
}
PINNED = IDLE | {"spec": IDLE["spec"] | {"pinRevision": 2}}
SCALED = copy.deepcopy(IDLE)
SCALED["status"] |= {
    "scaling": {
        "desired": 5,
        "changedAt": "2026-03-01T11:58:00Z",
        "signal": "demand",
        "value": 110.0,
        "need": 7.3,
        "limitedBy": "max",
        "message": "110 requests a second need 7.3 pods; 5 are asked for, which is scaling.max",
    },
    "conditions": [
        *(each for each in SCALED["status"]["conditions"] if each["type"] != "ScalingActive"),
        condition("ScalingActive", "True", "AtMax", "the work needs more than the 5 pods of scaling.max"),
    ],
}
BY_HAND: Object = copy.deepcopy(CANARY)
BY_HAND["status"]["candidate"]["settings"] = '{"steps":[{"weight":1},{"pause":{}},{"weight":100}]}'


def top(*, counted: bool) -> Top:
    """Two looks ten seconds apart; or what there is without the right to them."""
    busy = SCALED | {"metadata": SCALED["metadata"] | {"name": "ranking"}}
    busy = busy | {"spec": SCALED["spec"] | {"scaling": {"min": 1, "max": 5}, "server": {"gpu": {"count": 1}}}}
    quiet = IDLE | {"metadata": IDLE["metadata"] | {"name": "quiet"}}
    used = usage(told_metrics(1000), told_metrics(1010), 10) if counted else {}
    forbidden = "you may not get services/proxy in namespace tritium-system (tritium-metrics:8080): ask for a Role"
    missing = "" if counted else f"{forbidden} that allows it"
    return Top(NOW, rows([read(each) for each in (CANARY, NEW_ONE, quiet, busy)], used, Sort.NAME), missing=missing)


NEW_ONE = NEW | {"metadata": NEW["metadata"] | {"name": "churn"}}

SCREENS: dict[str, Callable[[], RenderableType]] = {
    "status-canary": lambda: _status(CANARY),
    "status-pause-step": lambda: _status(BY_HAND),
    "status-paused": lambda: _status(PAUSED),
    "status-aborted": lambda: _status(ABORTED),
    "status-idle": lambda: _status(IDLE),
    "status-arms": lambda: _status(COMPARED),
    "status-arms-over": lambda: _status(OVER),
    "status-copies": lambda: _status(COPIED),
    "status-pinned": lambda: _status(PINNED),
    "status-scaled": lambda: _status(SCALED),
    "status-new": lambda: _status(NEW),
    "status-fetching": lambda: _status(FETCHED),
    "status-all": lambda: status_list([read(each) for each in LISTED], NOW),
    "status-lines": lambda: "\n".join(status_line(read(each)) for each in LISTED),
    "top": lambda: top_view(top(counted=True)),
    "top-by-status": lambda: top_view(top(counted=False)),
    "history-canary": lambda: _history(with_revisions(CANARY)),
    "history-aborted": lambda: _history(with_revisions(ABORTED)),
    "diff": lambda: _diff(with_revisions(CANARY)),
    "undo-rollout": lambda: _undo(with_revisions(CANARY)),
    "undo-idle": lambda: _undo(with_revisions(IDLE)),
    "infer": _answer,
    **{f"story-{name}": functools.partial(_story, name) for name in STORIES},
}


WHOLE = frozenset({"top", "top-by-status", "diff", "undo-rollout", "undo-idle", "status-lines"})
"""Lines that are not wrapped."""


def rendered(name: str) -> str:
    """What a golden file holds."""
    return plain(SCREENS[name](), 10_000 if name in WHOLE else 80)


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for each in SCREENS:
        (GOLDEN / f"{each}.txt").write_text(rendered(each))
