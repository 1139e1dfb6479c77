"""How a source's files become a Triton repository: names in, names out.

Three forms are known, see `plan`: a model's folder as Triton has it, a folder around such a folder, and bare files.
What is none of them is refused with what was found, before a byte is fetched. A name never leads out of the model's
folder, and no two files get the same one.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tritium.api.source import Layout
from tritium.sync.listing import MAX_FILES, folders

CONFIG: Final = "config.pbtxt"
PYTHON_CONFIG: Final = 'backend: "python"\n'

_VERSION: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
"""A version's folder; Triton ignores others, and those with a leading zero."""

_SINGLE: Final = {".py": "model.py", ".onnx": "model.onnx", ".plan": "model.plan", ".pt": "model.pt"}
"""By its ending: what a single file is called in a repository."""

_BARE: Final[Mapping[str, frozenset[str]]] = {
    "model.py": frozenset({"model.py"}),
    "model.onnx": frozenset({"model.onnx"}),
    "model.plan": frozenset({"model.plan"}),
    "model.pt": frozenset({"model.pt"}),
    "model.xml and model.bin": frozenset({"model.xml", "model.bin"}),
    "model.savedmodel/": frozenset({"model.savedmodel/"}),
}
"""Bare files that are a model, and what must be there for each."""

_EXPECTED: Final = (
    f"Expected is a folder with {CONFIG} and version folders (1/model.onnx), or bare files: {', '.join(_BARE)}; "
    f"or a single file that ends in {', '.join(_SINGLE)}"
)

_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 1024
_DEEPEST: Final = 32


class NotAModel(ValueError):
    """The files cannot be laid out; the message follows the source's name in a sentence, and says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything goes.

    Attributes:
        targets: for each path at the source its path in the repository, `<model>/…`.
        generated: files that the source does not have, by their path in the repository, with their text.
    """

    targets: Mapping[str, str]
    generated: Mapping[str, str] = field(default_factory=dict)


def plan(paths: Sequence[str], model: str, layout: Layout) -> Plan:
    r"""Lay out a source's files.

    Raises:
        NotAModel: a name that must not be, or files that are no model in this layout.

    >>> plan(["config.pbtxt", "1/model.onnx"], "fraud", "auto").targets["1/model.onnx"]
    'fraud/1/model.onnx'
    >>> plan(["fraud/1/model.onnx"], "fraud", "auto").targets
    {'fraud/1/model.onnx': 'fraud/1/model.onnx'}
    >>> bare = plan(["model.py", "weights/a.bin"], "fraud", "auto")
    >>> bare.targets["weights/a.bin"], bare.generated
    ('fraud/1/weights/a.bin', {'fraud/config.pbtxt': 'backend: "python"\n'})
    >>> plan(["resnet50-v2.onnx"], "fraud", "auto").targets
    {'resnet50-v2.onnx': 'fraud/1/model.onnx'}
    """
    check_names(paths)
    if layout not in {"auto", "triton", "python"}:
        raise NotAModel(f"cannot be laid out with model.layout {layout} in this version; use auto, triton or python")
    if layout != "python" and (root := _model_folder(paths, model, layout)) is not None:
        return Plan({path: f"{model}/{path.removeprefix(root)}" for path in paths})
    if layout == "triton":
        raise NotAModel(f"holds {_found(paths)}, which is no model with a version folder (1/model.onnx); use auto")
    return _bare(paths, model, layout)


def check_names(paths: Sequence[str]) -> None:
    """No name leads out of its folder, hides something, or is both a file and a folder.

    Raises:
        NotAModel: with the first one that does.

    >>> check_names(["1/../../etc/passwd"])
    Traceback (most recent call last):
        ...
    tritium.sync.layout.NotAModel: holds the file '1/../../etc/passwd', whose name cannot be used; rename it
    """
    if not paths or len(paths) > MAX_FILES:
        raise NotAModel(f"must hold 1 to {MAX_FILES} files; point model.source.uri to the folder of one model")
    for path in paths:
        names = path.split("/")
        if len(path.encode(errors="replace")) > _LONGEST_PATH or len(names) > _DEEPEST or not all(map(_usable, names)):
            raise NotAModel(f"holds the file {_shown(path)}, whose name cannot be used; rename it")
    files = set(paths)
    if len(files) < len(paths):
        raise NotAModel("lists the same file twice; the store is not to be trusted")
    if both := files & folders(files):
        raise NotAModel(f"holds {_shown(min(both))} both as a file and as a folder; rename one of them")


def _usable(name: str) -> bool:
    """A name that a folder on Linux can hold and that means nothing else anywhere."""
    if name in {"", ".", ".."} or "\\" in name or len(name.encode(errors="replace")) > _LONGEST_NAME:
        return False
    return all(unicodedata.category(each) not in {"Cc", "Cs"} for each in name)


def _model_folder(paths: Collection[str], model: str, layout: Layout) -> str | None:
    """What to take off each path to get to the model's folder; None where there is no such folder."""
    if _has_version(paths):
        return ""
    if layout == "auto" and _kinds(paths):
        return None
    inner = sorted({path.partition("/")[0] for path in paths if "/" in path})
    models = [each for each in inner if _has_version(_within(paths, each))]
    if not models:
        return None
    if len(models) > 1:
        raise NotAModel(f"holds several models ({_some(models)}); point model.source.uri to the folder of one of them")
    (folder,) = models
    if len(_within(paths, folder)) < len(paths):
        raise NotAModel(
            f"holds model {folder} and other files beside it ({_found(paths)}); "
            f"point model.source.uri to the folder {folder}"
        )
    if folder != model and layout != "triton":
        raise NotAModel(
            f"holds model {folder}, but model {model} is to be served; "
            f"point model.source.uri to the folder {folder}, or set model.name to {folder}"
        )
    return f"{folder}/"


def _within(paths: Collection[str], folder: str) -> list[str]:
    prefix = f"{folder}/"
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def _has_version(paths: Collection[str]) -> bool:
    return any(rest and _VERSION.fullmatch(top) for top, _, rest in (path.partition("/") for path in paths))


def _bare(paths: Sequence[str], model: str, layout: Layout) -> Plan:
    """Files that lie as they came out of training become version 1."""
    if len(paths) == 1 and (single := _SINGLE.get(_ending(paths[0]))):
        name, targets = single, {paths[0]: f"{model}/1/{single}"}
    else:
        name = _kind(paths)
        targets = {path: f"{model}/{path}" if path == CONFIG else f"{model}/1/{path}" for path in paths}
    if layout == "python" and name != "model.py":
        raise NotAModel(f"holds {_found(paths)} and no model.py, which model.layout python needs; use auto")
    generate = name == "model.py" and CONFIG not in paths
    return Plan(targets, {f"{model}/{CONFIG}": PYTHON_CONFIG} if generate else {})


def _kind(paths: Sequence[str]) -> str:
    """Which model the bare files are."""
    kinds = _kinds(paths)
    if not kinds:
        raise NotAModel(f"holds {_found(paths)}, which is no model. {_EXPECTED}")
    if "model.py" in kinds:
        return "model.py"  # which may bring along files that other backends would take
    if len(kinds) > 1 and CONFIG not in paths:
        raise NotAModel(f"holds more than one model ({', '.join(kinds)}); keep one, or add a {CONFIG}")
    return kinds[0]


def _kinds(paths: Collection[str]) -> list[str]:
    names = _tops(paths)
    return [kind for kind, needed in _BARE.items() if needed <= names]


def _tops(paths: Collection[str]) -> set[str]:
    """What lies at the top, folders with a slash."""
    return {path.partition("/")[0] + ("/" if "/" in path else "") for path in paths}


def _ending(path: str) -> str:
    return "." + path.rpartition(".")[2] if "/" not in path and "." in path else ""


def _found(paths: Collection[str]) -> str:
    return _some(sorted(_tops(paths)))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name if name.isprintable() and len(name) < 80 else _shown(name) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _shown(path: str) -> str:
    return repr(path if len(path) <= 120 else path[:120] + "…")
