"""Bare files, as they come out of training: which model they are, and what Triton's backends want them to be called."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tritium.api.source import Layout
from tritium.sync.places import CONFIG, NotAModel, Plan, found, some, tops

EXPORT: Final = "saved_model.pb"
"""The file by which a TensorFlow SavedModel is known; Triton wants the folder around it to have a name."""

SAVED_MODEL: Final = "model.savedmodel"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of model.

    Attributes:
        layout: its value of `model.layout`.
        backend: Triton's backend for it.
        names: what Triton looks for in a version's folder; a folder with a slash.
        endings: for each of these names, how a file of another name may end to be taken for it.
        told: Triton, or the model itself, can say which inputs and outputs it has.
    """

    layout: Layout
    backend: str
    names: tuple[str, ...]
    endings: tuple[tuple[str, ...], ...] = ()
    told: bool = True

    def lies_in(self, there: Collection[str]) -> bool:
        """Whether these names are there; one that Triton takes as a file and as a folder counts as both."""
        return all(name in there for name in self.names) or (self.layout == "onnx" and "model.onnx/" in there)


KINDS: Final = (
    Kind("python", "python", ("model.py",), ((".py",),)),
    Kind("onnx", "onnxruntime", ("model.onnx",), ((".onnx",),)),
    Kind("tensorrt", "tensorrt", ("model.plan",), ((".plan", ".engine", ".trt"),)),
    Kind("torchscript", "pytorch", ("model.pt",), ((".pt", ".pth", ".ts", ".torchscript"),), told=False),
    Kind("openvino", "openvino", ("model.xml", "model.bin"), ((".xml",), (".bin",))),
    Kind("savedmodel", "tensorflow", (f"{SAVED_MODEL}/",)),
    Kind("savedmodel", "tensorflow", (EXPORT,)),
)

LAYOUTS: Final = frozenset(kind.layout for kind in KINDS)
"""The values of `model.layout` that name a kind of bare files."""

_CLEAR: Final = (".py", ".onnx", ".plan", ".pt")
"""Endings by which a single file is known without a word about its layout; others have more than one meaning."""

_EXPECTED: Final = (
    f"Expected is a folder with {CONFIG} and version folders (1/model.onnx), or bare files: "
    f"{', '.join(' and '.join(kind.names) for kind in KINDS)}; or a single file that ends in {', '.join(_CLEAR)}"
)


def known(paths: Collection[str]) -> list[Kind]:
    """The kinds of which all names are there."""
    there = tops(paths)
    return [kind for kind in KINDS if kind.lies_in(there)]


def bare(paths: Sequence[str], model: str, layout: Layout) -> Plan:
    """Make bare files the first version of a model.

    Raises:
        NotAModel: they are none, or more than one, or not the one that the layout names.

    >>> bare(["frozen.xml", "frozen.bin"], "fraud", "openvino").targets
    {'frozen.xml': 'fraud/1/model.xml', 'frozen.bin': 'fraud/1/model.bin'}
    >>> bare(["saved_model.pb", "variables/a"], "fraud", "auto").targets["variables/a"]
    'fraud/1/model.savedmodel/variables/a'
    """
    kind, renamed = _found_out(paths) if layout == "auto" else _as_told(paths, layout)
    folder = f"1/{SAVED_MODEL}" if EXPORT in kind.names else "1"
    targets = {
        path: f"{model}/{path}" if path == CONFIG else f"{model}/{folder}/{renamed.get(path, path)}" for path in paths
    }
    if CONFIG in paths:
        return Plan(targets)
    return Plan(targets, {f"{model}/{CONFIG}": f'backend: "{kind.backend}"\n'}, untold=not kind.told)


def _found_out(paths: Sequence[str]) -> tuple[Kind, Mapping[str, str]]:
    if len(paths) == 1 and paths[0].endswith(_CLEAR):
        for kind in KINDS:
            if renamed := _renamed(paths, kind):
                return kind, renamed
    kinds = known(paths)
    if not kinds:
        would = [kind.layout for kind in KINDS if _renamed(paths, kind)]
        hint = f"If it is one, set model.layout to {' or '.join(would)}. " if would else ""
        raise NotAModel(f"holds {found(paths)}, which is no model. {hint}{_EXPECTED}")
    if kinds[0].layout == "python":
        return kinds[0], {}  # which may bring along files that other backends would take
    # Of several the configuration names one; where it lies does not depend on which, but for the folder that is made.
    if len(kinds) > 1 and (CONFIG not in paths or EXPORT in paths):
        names = ", ".join(" and ".join(kind.names) for kind in kinds)
        layouts = list(dict.fromkeys(kind.layout for kind in kinds))
        raise NotAModel(
            f"holds more than one model ({names}); "
            + (f"set model.layout to {' or '.join(layouts)}, or keep one" if len(layouts) > 1 else "keep one")
        )
    return kinds[0], {}


def _as_told(paths: Sequence[str], layout: Layout) -> tuple[Kind, Mapping[str, str]]:
    kinds = [kind for kind in KINDS if kind.layout == layout]
    there = tops(paths)
    if complete := [kind for kind in kinds if kind.lies_in(there)]:
        return complete[0], {}
    for kind in kinds:
        if renamed := _renamed(paths, kind):
            return kind, renamed
    wanted = " or ".join(" and ".join(kind.names) for kind in kinds)
    several = sorted(
        path for path in paths for kind in kinds for ends in kind.endings if "/" not in path and path.endswith(ends)
    )
    if several:
        raise NotAModel(f"holds {some(several)}: call the one that is meant {wanted}")
    raise NotAModel(f"holds {found(paths)} and no {wanted}, which model.layout {layout} needs; use auto")


def _renamed(paths: Collection[str], kind: Kind) -> dict[str, str]:
    """For the one set of files at the top that can be taken for a kind, what they are to be called; else nothing."""
    renamed: dict[str, str] = {}
    stems = set()
    for name, endings in zip(kind.names, kind.endings, strict=False):
        fitting = [path for path in paths if "/" not in path and path.endswith(endings)]
        if len(fitting) != 1:
            return {}
        renamed[fitting[0]] = name
        stems.add(fitting[0].rpartition(".")[0])
    taken = {each.rstrip("/") for each in tops(paths)} - set(renamed)
    return renamed if len(stems) == 1 and taken.isdisjoint(renamed.values()) else {}
