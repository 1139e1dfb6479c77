"""How a source's files become a Triton repository: names in, names out.

Four forms are known, see `plan`: a model's folder as Triton has it, a folder around such a folder, a repository of
several models that belong together, and bare files. What is none of them is refused with what was found, before a byte
is fetched. A name never leads out of the repository, and no two files get the same one.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from tritium.api.source import Layout
from tritium.sync.bare import EXPORT, LAYOUTS, SAVED_MODEL, bare, known
from tritium.sync.places import CONFIG, NotAModel, Plan, check_names, found, some

_VERSION: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
"""A version's folder; Triton ignores others, and those with a leading zero."""

_UNTOLD: Final = "model.pt"
"""A model whose inputs and outputs Triton cannot find out."""


def plan(paths: Sequence[str], model: str, layout: Layout) -> Plan:
    r"""Lay out a source's files.

    Raises:
        NotAModel: a name that must not be, or files that are no model in this layout.

    >>> plan(["config.pbtxt", "1/model.onnx"], "fraud", "auto").targets["1/model.onnx"]
    'fraud/1/model.onnx'
    >>> plan(["fraud/1/model.onnx"], "fraud", "auto").targets
    {'fraud/1/model.onnx': 'fraud/1/model.onnx'}
    >>> plan(["fraud/config.pbtxt", "words/1/model.py"], "fraud", "auto").versions
    ('fraud/1',)
    >>> files = plan(["model.py", "weights/a.bin"], "fraud", "auto")
    >>> files.targets["weights/a.bin"], files.generated
    ('fraud/1/weights/a.bin', {'fraud/config.pbtxt': 'backend: "python"\n'})
    >>> plan(["resnet50-v2.onnx"], "fraud", "auto").targets
    {'resnet50-v2.onnx': 'fraud/1/model.onnx'}
    """
    check_names(paths)
    if layout == "savedmodel" and _is_of_serving(paths):
        return _of_serving(paths, model)
    if layout in LAYOUTS:
        return bare(paths, model, layout)
    if layout == "auto" and _is_of_serving(paths):
        raise NotAModel(
            f"holds {EXPORT} in its version folders, as TensorFlow Serving has it; set model.layout to savedmodel"
        )
    if _has_version(paths):
        return _one(paths, "", model)
    # Bare files may have a folder beside them that looks like a model.
    if not (layout == "auto" and known(paths)) and (laid := _folders(paths, model, layout)):
        return laid
    if layout == "triton":
        raise NotAModel(f"holds {found(paths)}, which is no model with a version folder (1/model.onnx); use auto")
    return bare(paths, model, layout)


def _folders(paths: Collection[str], model: str, layout: Layout) -> Plan | None:
    """A repository of one model or of several; None where no folder is a model."""
    inner = {name: _within(paths, name) for name in sorted({path.partition("/")[0] for path in paths if "/" in path})}
    models = [name for name, files in inner.items() if _has_version(files) or CONFIG in files]
    if not any(_has_version(inner[name]) for name in models):
        return None
    if len(models) > 1:
        return _several(paths, inner, models, model)
    (folder,) = models
    if len(inner[folder]) < len(paths):
        raise NotAModel(
            f"holds model {folder} and other files beside it ({found(paths)}); "
            f"point model.source.uri to the folder {folder}"
        )
    if folder != model and layout != "triton":
        raise NotAModel(
            f"holds model {folder}, but model {model} is to be served; "
            f"point model.source.uri to the folder {folder}, or set model.name to {folder}"
        )
    return _one(paths, f"{folder}/", model)


def _one(paths: Collection[str], root: str, model: str) -> Plan:
    """A model's folder as Triton has it."""
    targets = {path: f"{model}/{path.removeprefix(root)}" for path in paths}
    names = {rest for _, rest in _in_versions(path.removeprefix(root) for path in paths)}
    # A file of another name that Triton knows would decide which backend it is.
    untold = f"{root}{CONFIG}" not in paths and _UNTOLD in names and not known(names - {_UNTOLD})
    return Plan(targets, untold=untold)


def _several(paths: Collection[str], inner: Collection[str], models: Sequence[str], model: str) -> Plan:
    """An ensemble, or a model that calls others, with all of these."""
    if model not in models:
        raise NotAModel(
            f"holds several models ({some(models)}) and none of the name {model}; set model.name to the one that "
            "clients ask, or point model.source.uri to the folder of one of them"
        )
    if strange := sorted(set(inner) - set(models)):
        raise NotAModel(
            f"holds models and the folder {some(strange)}, which Triton would take for a model as well and not start; "
            "move it into the folder of a model"
        )
    empty = [name for name in models if not _has_version(_within(paths, name))]
    return Plan({path: path for path in paths}, versions=tuple(f"{name}/1" for name in empty))


def _is_of_serving(paths: Collection[str]) -> bool:
    """Whether the version folders are SavedModels themselves, and nothing says otherwise."""
    versions: dict[str, set[str]] = {}
    for version, rest in _in_versions(paths):
        versions.setdefault(version, set()).add(rest.partition("/")[0])
    return (
        bool(versions)
        and CONFIG not in paths
        and all(EXPORT in names and not any(name.startswith("model.") for name in names) for names in versions.values())
    )


def _of_serving(paths: Collection[str], model: str) -> Plan:
    inside = {f"{version}/{rest}": f"{version}/{SAVED_MODEL}/{rest}" for version, rest in _in_versions(paths)}
    generated = {f"{model}/{CONFIG}": 'backend: "tensorflow"\n'}
    return Plan({path: f"{model}/{inside.get(path, path)}" for path in paths}, generated)


def _within(paths: Collection[str], folder: str) -> list[str]:
    prefix = f"{folder}/"
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def _in_versions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """What lies in version folders: the version, and the path in there."""
    parts = (path.partition("/") for path in paths)
    return [(top, rest) for top, _, rest in parts if rest and _VERSION.fullmatch(top)]


def _has_version(paths: Iterable[str]) -> bool:
    return bool(_in_versions(paths))
