"""Properties of drift, over the objects that are built: what a server does to them is none, any change is."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.resources.golden import NAMES, case, objects, owner_of
from tritium.core.drift import KEYS, covers
from tritium.core.revision import amount
from tritium.resources.seal import sealed

Json = Any
Path = tuple[Any, ...]

BUILT = [each for name in NAMES for each in objects(owner_of(case(name)), case(name)["spec"])]
built = st.sampled_from(BUILT)
chance = st.randoms(use_true_random=True)
"""One choice of hypothesis for a whole object: it has hundreds of places to choose at."""

DEFAULTS: tuple[dict[str, Json], ...] = ({}, {"xDefault": "text"}, {"xDefault": 30, "xOther": {"a": []}})
OTHER = {
    "name": "x", "mountPath": "/x", "containerPort": 1, "port": 1, "uid": "x",
    "topologyKey": "x", "whenUnsatisfiable": "x",
}  # fmt: skip
"""An entry that somebody else added, with the key of any list."""


WHOLE = {"selector", "podSelector"}
"""Maps, with those inside of them, to which a server adds nothing."""


def reordered(value: Json, chance: Random, name: str = "", parent: str = "") -> Json:
    """As a server may give it back: other order, defaults, amounts in other words, entries of others."""
    if isinstance(value, dict):
        members = {each: reordered(value[each], chance, each, name) for each in value}
        members |= {} if WHOLE & {name, parent} else chance.choice(DEFAULTS)
        return {each: members[each] for each in chance.sample(list(members), len(members))}
    if isinstance(value, list):
        entries = [reordered(each, chance) for each in value]
        if name not in KEYS and name != "ports":
            return entries
        entries += chance.choice([[], [OTHER]])
        return chance.sample(entries, len(entries))
    if parent in {"requests", "limits"} or name == "sizeLimit":
        return chance.choice(words_for(value))
    return value


def words_for(value: Json) -> list[Json]:
    """The same amount, written in several ways."""
    known = amount(value).get("amount", "/")
    return [value] if "/" in known else [value, str(value), known, f"{known}.0", f"{known}000m"]


def leaves(value: Json, path: Path = ()) -> list[Path]:
    """The path of each scalar below a value."""
    if isinstance(value, dict):
        return [leaf for name, each in value.items() for leaf in leaves(each, (*path, name))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [path]


def target(obj: Json, path: Path) -> Json:
    """What a path leads to."""
    for part in path:
        obj = obj[part]
    return obj


def copy(obj: Json) -> Json:
    return json.loads(json.dumps(obj))


def changed(value: Json, data: st.DataObject) -> Json:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    others = st.integers(0, 10**6) if isinstance(value, int) else st.sampled_from([f"{value}x", f"x{value}", "", "0"])
    return data.draw(others.filter(lambda other: other != value))


@given(built, chance)
def test_what_a_server_makes_of_an_object_is_no_drift(obj: dict[str, Json], chance: Random) -> None:
    assert covers(obj, reordered(obj, chance))


@given(built, chance, st.data())
def test_a_change_of_any_scalar_is_drift(obj: dict[str, Json], chance: Random, data: st.DataObject) -> None:
    live = copy(obj)
    *parents, last = data.draw(st.sampled_from(leaves(obj)))
    holder = target(live, tuple(parents))
    holder[last] = changed(holder[last], data)
    assert not covers(obj, reordered(live, chance))


@given(built, st.data())
def test_what_is_added_to_a_selector_is_drift(obj: dict[str, Json], data: st.DataObject) -> None:
    live = copy(obj)
    inside = [path for path in leaves(obj) if WHOLE & set(path[-3:]) and path[0] == "spec"]
    assume(inside)
    *parents, _ = data.draw(st.sampled_from(inside))
    target(live, tuple(parents))["example.com/more"] = "x"
    assert not covers(obj, live)


@given(built, st.data())
def test_a_scalar_that_is_not_there_is_drift(obj: dict[str, Json], data: st.DataObject) -> None:
    live = copy(obj)
    *parents, last = data.draw(st.sampled_from([path for path in leaves(obj) if path[0] not in {"apiVersion", "kind"}]))
    del target(live, tuple(parents))[last]
    assert not covers(obj, live)


@given(built, st.data())
def test_a_member_that_is_wanted_no_longer_is_drift(obj: dict[str, Json], data: st.DataObject) -> None:
    less = copy(obj)
    members = [path for path in leaves(obj) if path[0] in {"spec", "data"} and isinstance(path[-1], str)]
    *parents, last = data.draw(st.sampled_from(members))
    del target(less, tuple(parents))[last]
    assert not covers(sealed(less), obj)


@given(built, chance)
def test_the_mark_does_not_depend_on_the_order_of_members(obj: dict[str, Json], chance: Random) -> None:
    def shuffled(value: Json) -> Json:
        if isinstance(value, dict):
            return {name: shuffled(value[name]) for name in chance.sample(list(value), len(value))}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    assert sealed(shuffled(obj)) == obj
