"""Merge patches of status: what they do is what RFC 7386 says, and they are empty when nothing is to be done."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tritium.kube.status import merge_patch, pruned

names = st.sampled_from("abc")
scalars = st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "y"]) | st.sampled_from([0.0, 1.0, 0.5])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(names, values, max_size=3)


def applied(target: Any, patch: Any) -> Any:
    """The algorithm of RFC 7386, section 2, word by word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(result.get(name), value)
    return result


def typed(value: Any) -> Any:
    """A value in which True is not 1, but 1 is 1.0."""
    if isinstance(value, dict):
        return {name: typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    return (isinstance(value, bool), value)


@given(objects, objects)
@settings(deadline=None)
def test_the_patch_makes_the_one_the_other(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert typed(applied(live, merge_patch(live, wanted))) == typed(wanted)


@given(objects, objects)
@settings(deadline=None)
def test_it_is_empty_only_if_nothing_is_to_be_done(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert (merge_patch(live, wanted) == {}) is (typed(live) == typed(wanted))


@given(objects)
@settings(deadline=None)
def test_what_was_sent_and_stored_is_not_pruned(wanted: dict[str, Any]) -> None:
    assert pruned(wanted, wanted) == []


@given(objects, st.data())
@settings(deadline=None)
def test_a_member_that_is_gone_is_named(wanted: dict[str, Any], data: st.DataObject) -> None:
    if wanted:
        lost = data.draw(st.sampled_from(sorted(wanted)))
        assert pruned(wanted, {name: value for name, value in wanted.items() if name != lost}) == [lost]


def test_null_is_absence() -> None:
    assert merge_patch({"a": 1}, {"a": None}) == {"a": None}
    assert merge_patch({}, {"a": None, "b": {"c": None}}) == {"b": {}}
    assert pruned({"a": None, "b": {"c": None}}, {"b": {}}) == []


def test_a_path_leads_through_lists() -> None:
    sent = {"candidate": {"gates": [{"name": "errors"}, {"name": "latency", "bound": "0.3s"}]}}
    assert pruned(sent, {"candidate": {"gates": [{"name": "errors"}, {"name": "latency"}]}}) == [
        "candidate.gates[1].bound"
    ]
