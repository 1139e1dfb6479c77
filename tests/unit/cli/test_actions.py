"""Actions: which would do nothing, and what one did."""

from __future__ import annotations

import pytest

from tests.unit.cli.revisions import KEPT
from tests.unit.cli.samples import (
    ABORTED,
    CANARY,
    COMPARED,
    EXPERIMENTING,
    IDLE,
    OVER,
    Object,
    candidate,
    changed,
    condition,
)
from tests.unit.cli.stories import told
from tritium.cli.facts.action import Verb, happened, is_done
from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import read
from tritium.cli.facts.senseless import senseless


def refused(obj: Object) -> set[Verb]:
    return {verb for verb in Verb if senseless(read(obj), verb)}


OF_A_ROLLOUT = set(Verb) - {Verb.RETRY}
HELD = changed(CANARY, {"phase": "Blocked", "reason": "SignatureChanged"})
LOOKED_AT = changed(CANARY, candidate(settings='{"strategy":"blueGreen"}') | {"reason": "AwaitsPromotion"})
IN_THE_SPEC: Object = {"rollout": {"paused": True}}
BY_BOTH = candidate(paused={"reason": "PausedByHand", "since": "2026-03-01T11:59:00Z"})
PAUSED = changed(CANARY, {"phase": "Paused", "reason": "PausedByHand"} | BY_BOTH)
FAILED = {"reason": "GateFailed", "since": "2026-03-01T11:59:00Z"}

WITHOUT_EFFECT: dict[str, tuple[Object, set[Verb]]] = {
    "nothing is rolled out": (IDLE, OF_A_ROLLOUT),
    "it was turned down": (ABORTED, OF_A_ROLLOUT),
    "a rollout goes on": (CANARY, {Verb.RESUME}),
    "nothing is paused while it waits for a GPU": (changed(CANARY, {"phase": "Blocked"}), {Verb.RESUME}),
    "it bakes": (told("bakes")[0], {Verb.PAUSE}),
    "it is paused by hand": (told("paused-by-hand")[0], {Verb.PAUSE}),
    "all steps have passed, and a person is waited for": (told("awaits-promotion")[0], {Verb.PAUSE, Verb.SKIP_STEP}),
    "all steps have passed, and a pod is waited for": (
        changed(CANARY, candidate(step=4)),
        {Verb.RESUME, Verb.SKIP_STEP},
    ),
    "a gate failed after the last step": (
        changed(CANARY, {"phase": "Paused", "reason": "GateFailed"} | candidate(step=4, paused=FAILED)),
        {Verb.PAUSE},
    ),
    "its tensors differ, and it is paused": (
        changed(PAUSED, {"revisions": [KEPT[2] | {"mismatch": "input X is gone"}]}),
        {Verb.PROMOTE, Verb.SKIP_STEP, Verb.PAUSE},
    ),
    "its tensors differ, and its clients know": (
        changed(
            PAUSED,
            {"revisions": [KEPT[2] | {"mismatch": "input X is gone"}]},
            {"rollout": {"compatibility": "Warn"}},
        ),
        {Verb.PAUSE},
    ),
    "it is pinned": (changed(CANARY, spec={"pinRevision": 3}), {Verb.ABORT, Verb.PROMOTE, Verb.RESUME, Verb.RETRY}),
    "nobody is served": (
        changed(CANARY, {"phase": "Preparing", "conditions": [condition("Ready", "False", "Recreating")]}),
        {Verb.PAUSE, Verb.RESUME},
    ),
    "the status is older than the spec": (changed(IDLE, {"observedGeneration": 3}), set()),
    "an experiment runs": (EXPERIMENTING, OF_A_ROLLOUT - {Verb.ABORT}),
    "an experiment is over": (OVER, OF_A_ROLLOUT),
    "its tensors differ": (HELD, {Verb.PROMOTE, Verb.RESUME, Verb.SKIP_STEP}),
    "without steps it waits for a look": (LOOKED_AT, {Verb.RESUME, Verb.SKIP_STEP}),
    "the spec pauses it": (changed(CANARY, {"phase": "Paused"}, IN_THE_SPEC), {Verb.RESUME}),
    "a person has paused it as well": (changed(CANARY, {"phase": "Paused"} | BY_BOTH, IN_THE_SPEC), {Verb.PAUSE}),
}


@pytest.mark.parametrize("case", WITHOUT_EFFECT)
def test_an_action_that_would_do_nothing_is_refused(case: str) -> None:
    obj, expected = WITHOUT_EFFECT[case]
    assert refused(obj) == expected


def test_a_refusal_says_what_would_help() -> None:
    assert senseless(read(HELD), Verb.PROMOTE) == (
        "promote has no effect on fraud, which is Blocked, revision 3 at 25 %: revision 3 takes or gives other tensors "
        "than what serves, and gets no request. Mend it, or set rollout.compatibility: Warn if its clients know"
    )
    assert str(senseless(read(IDLE), Verb.PAUSE)).endswith(
        "There is nothing to pause; rollout.paused: true in the spec holds the next one"
    )
    assert str(senseless(read(EXPERIMENTING), Verb.PROMOTE)).endswith("abort ends the experiment")
    assert [each.why for each in advice(read(EXPERIMENTING), "tritium")] == [
        "end the experiment; then what waits for it is rolled out"
    ]


def test_what_an_action_did() -> None:
    done = changed(CANARY, {"lastAction": {"verb": "abort", "token": "7f"}})
    assert is_done(read(done), "7f")
    assert not is_done(read(done), "8f")
    after = changed(ABORTED, {"lastAction": {"verb": "abort", "token": "7f"}})
    said = happened(Verb.ABORT, read(CANARY), read(after))
    assert said == "abort fraud: done. It was Progressing, revision 3 at 25 %, and is Aborted, revision 2 serves"
    waits = happened(Verb.PROMOTE, read(CANARY), read(changed(CANARY, candidate(byHand=True))))
    assert waits.startswith("promote fraud: taken up, and done as soon as all its pods are ready. It is Progressing")
    unchanged = happened(Verb.PAUSE, read(CANARY), read(CANARY))
    assert unchanged.startswith("pause fraud: taken up, and no effect of it is to be seen so far. It is Progressing")
    noted = happened(Verb.SKIP_STEP, read(CANARY), read(changed(CANARY, candidate(step=2))))
    assert noted == "skip-step fraud: done. It is Progressing, revision 3 at 25 %, as before"
    over = happened(Verb.ABORT, read(COMPARED), read(OVER))
    assert over == "abort fraud: done, the experiment is over. It is Idle, revision 2 serves, as before"


def test_what_was_asked_for_is_not_offered_again() -> None:
    """And what takes it back is."""
    for phase, offered in (("Progressing", ["pause", "abort"]), ("Blocked", ["pause", "abort"])):
        facts = read(changed(CANARY, candidate(byHand=True) | {"phase": phase}))
        found = {each.command: each.why for each in advice(facts, "tritium")}
        assert list(found) == [f"tritium {verb} fraud" for verb in offered]
        assert found["tritium pause fraud"].startswith("take the promotion back")
        assert senseless(facts, Verb.PAUSE) is None


def test_what_is_held_for_its_tensors_is_not_offered_to_be_promoted() -> None:
    """Also while it is paused, when the reason is another."""
    held = changed(PAUSED, {"revisions": [KEPT[2] | {"mismatch": "input X is gone"}]})
    assert [each.command for each in advice(read(held), "tritium")] == ["tritium resume fraud", "tritium abort fraud"]
