"""What a layout comes to, and which names a file may have: for `layout` and `bare`, which decide."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tritium.sync.listing import MAX_FILES, folders

CONFIG: Final = "config.pbtxt"

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
        versions: folders to make, by their path in the repository: the empty version of an ensemble, which no object
            store can hold.
        untold: nothing says which inputs and outputs the model has, and Triton cannot find out.
        scripted: path at the source of a file that has to be TorchScript, which only its content can tell; or empty.
        scoring: path at the source of a file of XGBoost that must not answer a class, which only its content can tell;
            or empty.
    """

    targets: Mapping[str, str]
    generated: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()
    untold: bool = False
    scripted: str = ""
    scoring: str = ""

    @property
    def models(self) -> frozenset[str]:
        """The models' folders."""
        return frozenset(target.partition("/")[0] for target in self.targets.values() if "/" in target)

    def configured(self, model: str) -> bool:
        """Whether the source has a model's `config.pbtxt`."""
        return f"{model}/{CONFIG}" in self.targets.values()


def check_names(paths: Sequence[str]) -> None:
    """No name leads out of its folder, hides something, or is both a file and a folder.

    Raises:
        NotAModel: with the first one that does.

    >>> check_names(["1/../../etc/passwd"])
    Traceback (most recent call last):
        ...
    tritium.sync.places.NotAModel: holds the file '1/../../etc/passwd', whose name cannot be used; rename it
    """
    if not paths or len(paths) > MAX_FILES:
        raise NotAModel(f"must hold 1 to {MAX_FILES} files; point model.source.uri to the folder of one model")
    for path in paths:
        if not is_usable(path):
            raise NotAModel(f"holds the file {_shown(path)}, whose name cannot be used; rename it")
    files = set(paths)
    if len(files) < len(paths):
        raise NotAModel("lists the same file twice; the store is not to be trusted")
    if both := files & folders(files):
        raise NotAModel(f"holds {_shown(min(both))} both as a file and as a folder; rename one of them")


def is_usable(path: str) -> bool:
    r"""A path that leads out of no folder, hides nothing, and can be written on every disk.

    >>> is_usable("1/model.onnx"), is_usable("/etc/passwd"), is_usable("1/../../x"), is_usable("1\\x")
    (True, False, False, False)
    """
    names = path.split("/")
    return len(path.encode(errors="replace")) <= _LONGEST_PATH and len(names) <= _DEEPEST and all(map(_usable, names))


def _usable(name: str) -> bool:
    """A name that a folder on Linux can hold and that means nothing else anywhere."""
    if name in {"", ".", ".."} or "\\" in name or len(name.encode(errors="replace")) > _LONGEST_NAME:
        return False
    return all(unicodedata.category(each) not in {"Cc", "Cs"} for each in name)


def tops(paths: Collection[str]) -> set[str]:
    """What lies at the top, folders with a slash.

    >>> sorted(tops(["1/model.py", "config.pbtxt"]))
    ['1/', 'config.pbtxt']
    """
    return {path.partition("/")[0] + ("/" if "/" in path else "") for path in paths}


def found(paths: Collection[str]) -> str:
    """What lies at the top, for a message."""
    return some(sorted(tops(paths)))


def some(names: Sequence[str]) -> str:
    """The first of these names, for a message."""
    shown = ", ".join(name if name.isprintable() and len(name) < 80 else _shown(name) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _shown(path: str) -> str:
    return repr(path if len(path) <= 120 else path[:120] + "…")
