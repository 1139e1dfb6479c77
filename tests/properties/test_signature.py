"""Which tensors can take the place of others, for any of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tritium.core.signature import ANY, Signature, Tensor, differences

SHAPES = st.lists(st.sampled_from([ANY, 1, 2]), max_size=3).map(tuple)
TENSORS = st.builds(Tensor, st.sampled_from("ABC"), st.sampled_from(["FP32", "INT64"]), SHAPES)
LISTS = st.lists(TENSORS, max_size=3, unique_by=lambda each: each.name).map(tuple)
SIGNATURES = st.builds(Signature, LISTS, LISTS)


def takes(model: Signature, request: tuple[Tensor, ...]) -> bool:
    """Whether Triton would take such a request: each input is there, of the type and a size that will do."""
    sent = {each.name: each for each in request}
    return sent.keys() == {each.name for each in model.inputs} and all(
        (sent[each.name].datatype, len(sent[each.name].shape)) == (each.datatype, len(each.shape))
        and all(size in {wanted, ANY} for wanted, size in zip(sent[each.name].shape, each.shape, strict=True))
        for each in model.inputs
    )


@given(SIGNATURES)
def test_a_model_can_take_its_own_place(one: Signature) -> None:
    assert differences(one, one) == ()


@given(SIGNATURES, SIGNATURES, SIGNATURES)
def test_what_one_takes_the_other_takes_if_nothing_is_said(one: Signature, two: Signature, three: Signature) -> None:
    if not differences(replace(one, outputs=()), two):
        assert takes(two, one.inputs)
        if not differences(replace(two, outputs=()), three):
            assert differences(replace(one, outputs=()), three) == ()
    if takes(two, one.inputs):
        assert differences(replace(one, outputs=()), two) == ()


@given(SIGNATURES, LISTS)
def test_a_new_output_is_nobodys_trouble(one: Signature, more: tuple[Tensor, ...]) -> None:
    there = {each.name for each in one.outputs}
    others = tuple(each for each in more if each.name not in there)
    assert differences(one, replace(one, outputs=(*others, *one.outputs))) == ()


@given(SIGNATURES)
def test_what_is_missing_is_named_each_by_itself(one: Signature) -> None:
    gone = (
        *(f"input {each.name} is gone" for each in one.inputs),
        *(f"output {each.name} is gone" for each in one.outputs),
    )
    assert differences(one, Signature()) == gone
    new = tuple(f"input {each.name} ({each}) is new" for each in one.inputs)
    assert differences(Signature(), one) == new


@given(SIGNATURES)
def test_sizes_that_open_are_compatible_and_outputs_may_close(one: Signature) -> None:
    def opened(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(replace(each, shape=(ANY,) * len(each.shape)) for each in tensors)

    wide = Signature(opened(one.inputs), opened(one.outputs))
    assert differences(one, wide) == ()
    assert differences(replace(wide, inputs=one.inputs), one) == ()
