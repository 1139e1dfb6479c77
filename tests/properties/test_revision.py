"""Properties of revision identity, over generated specs."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tritium.core.revision import amount, revision_hash, written_hash

words = st.text("abcdefghij", min_size=1, max_size=6)
amounts = st.integers(0, 10**6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
free_form = st.dictionaries(words, json_values, max_size=3)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A spec such as a server stores it: some members set, some not."""
    model: dict[str, Any] = {"source": {"uri": f"s3://models/{draw(words)}"}}
    optional_model = {
        "name": words,
        "layout": st.sampled_from(["auto", "triton", "onnx"]),
        "config": st.fixed_dictionaries({}, optional={"maxBatchSize": amounts, "raw": words}),
    }
    optional_server = {
        "image": words,
        "args": st.lists(words, max_size=3),
        "env": st.lists(free_form, max_size=2),
        "affinity": free_form,
        "podTemplate": free_form,
        "shmSize": amounts,
        "resources": st.fixed_dictionaries(
            {}, optional={"limits": st.dictionaries(words, amounts), "requests": st.dictionaries(words, amounts)}
        ),
    }
    model |= draw(st.fixed_dictionaries({}, optional=optional_model))
    spec: dict[str, Any] = {"model": model}
    if draw(st.booleans()):
        spec["server"] = draw(st.fixed_dictionaries({}, optional=optional_server))
    return spec


def shuffled(value: Any, draw: Any) -> Any:
    """The same value with the members of its maps in another order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name], draw) for name in draw(st.permutations(list(value)))}
    if isinstance(value, list):
        return [shuffled(each, draw) for each in value]
    return value


@given(specs(), st.data())
def test_the_order_of_members_has_no_influence(spec: dict[str, Any], data: st.DataObject) -> None:
    assert written_hash(shuffled(spec, data.draw)) == written_hash(spec)


@given(specs())
def test_a_round_trip_through_the_server_has_no_influence(spec: dict[str, Any]) -> None:
    assert written_hash(json.loads(json.dumps(spec))) == written_hash(spec)


@given(specs(), free_form, st.integers(0, 100))
def test_nothing_outside_model_and_server_has_influence(
    spec: dict[str, Any], rollout: dict[str, Any], replicas: int
) -> None:
    assert written_hash({**spec, "rollout": rollout, "replicas": replicas}) == written_hash(spec)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each scalar below a value."""
    if isinstance(value, dict):
        return [leaf for name, each in value.items() for leaf in leaves(each, (*path, name))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [path]


@given(specs(), st.data())
def test_a_change_of_any_scalar_changes_the_key(spec: dict[str, Any], data: st.DataObject) -> None:
    changed = json.loads(json.dumps(spec))
    *parents, last = data.draw(st.sampled_from(leaves(spec)))
    target = changed
    for parent in parents:
        target = target[parent]
    target[last] = f"{target[last]} changed"
    assert written_hash(changed) != written_hash(spec)


@given(specs(), words)
def test_an_edit_and_its_reversal_give_the_first_key(spec: dict[str, Any], uri: str) -> None:
    before = written_hash(spec)
    other = {**spec, "model": {**spec["model"], "source": {"uri": f"s3://elsewhere/{uri}"}}}
    assert written_hash(other) != before
    assert written_hash({**other, "model": {**other["model"], "source": spec["model"]["source"]}}) == before


@given(specs(), words, words)
def test_the_key_is_a_name_of_eight_characters(spec: dict[str, Any], fingerprint: str, other: str) -> None:
    key = revision_hash(written_hash(spec), fingerprint)
    assert len(key) == 8
    assert set(key) <= set("0123456789abcdef")
    assert (key == revision_hash(written_hash(spec), other)) == (fingerprint == other)


@given(st.integers(0, 10**15))
def test_every_way_to_write_an_amount_is_one_amount(milli: int) -> None:
    whole = Fraction(milli, 1000)
    assert amount(f"{milli}m") == amount(f"{milli * 1000}u") == amount(f"+{milli}e-3") == {"amount": str(whole)}
    assert amount(f"{milli}Ki") == amount(milli * 1024)
