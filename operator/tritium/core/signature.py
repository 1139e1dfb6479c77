"""The signature of a model: the tensors that it takes and gives; and whether clients of one can go on with another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ANY: Final = -1
"""A dimension of any size."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output.

    Attributes:
        datatype: such as FP32.
        shape: with the batch dimension where the model has one; `ANY` where any size will do.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.datatype} {list(self.shape)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs and outputs of a model."""

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()


def differences(before: Signature, after: Signature) -> tuple[str, ...]:
    """Why clients of one model cannot go on with another; empty if they can.

    What they send must still be taken: an input may take any size where it took one, and not the other way round. No
    input may be new: nobody tells whether it is optional. What they read must still be there; an output of any size may
    be of the size that it was. A new output is nobody's trouble.

    >>> one = Signature((Tensor("X", "FP32", (-1, 2)),), (Tensor("Y", "FP32", (-1, 1)),))
    >>> differences(one, Signature((Tensor("X", "FP32", (-1, -1)),), (*one.outputs, Tensor("Z", "INT8", (1,)))))
    ()
    >>> differences(one, Signature((Tensor("X", "FP32", (-1, 3)), Tensor("W", "BOOL", (1,))), ()))
    ('input X is FP32 [-1, 3], and was FP32 [-1, 2]', 'input W (BOOL [1]) is new', 'output Y is gone')
    >>> differences(Signature((Tensor("X", "FP32", (-1,)),)), Signature((Tensor("X", "FP32", (2,)),)))
    ('input X is FP32 [2], and was FP32 [-1]',)
    """
    return (*_of_inputs(before, after), *_of_outputs(before, after))


def _of_inputs(before: Signature, after: Signature) -> Iterator[str]:
    there = {each.name: each for each in after.inputs}
    for each in before.inputs:
        found = there.pop(each.name, None)
        if found is None:
            yield f"input {each.name} is gone"
        elif not _fits(each, found, loose=False):
            yield f"input {each.name} is {found}, and was {each}"
    for each in there.values():
        yield f"input {each.name} ({each}) is new"


def _of_outputs(before: Signature, after: Signature) -> Iterator[str]:
    there = {each.name: each for each in after.outputs}
    for each in before.outputs:
        found = there.get(each.name)
        if found is None:
            yield f"output {each.name} is gone"
        elif not _fits(each, found, loose=True):
            yield f"output {each.name} is {found}, and was {each}"


def _fits(before: Tensor, after: Tensor, *, loose: bool) -> bool:
    """Whether one tensor can take another's place.

    Args:
        before: it.
        after: the other.
        loose: a size may be fixed that was open.
    """
    if (before.datatype, len(before.shape)) != (after.datatype, len(after.shape)):
        return False
    sizes = zip(before.shape, after.shape, strict=True)
    return all(new in {old, ANY} or (loose and old == ANY) for old, new in sizes)
