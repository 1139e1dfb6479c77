"""What a ModelDeployment claims of devices such as GPUs, read from its revisions and pods."""

from dataclasses import replace

from tests.unit.core.seeing import NO_GPU, NO_ROOM, NOW, after, pod, revision, serving
from tritium.core.scaling.priority import NO_CLAIM, claim
from tritium.core.scaling.wish import ScalingWish

GPU = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1, "memory": "1Gi"}}}, {"name": "beside"}]}}
GPUS = frozenset({"nvidia.com/gpu"})
ONE = replace(revision(1), template=GPU)
ASKED = ScalingWish(1, 4)
WAITS = serving(ONE, pods=(pod("waits", ONE, NO_GPU),))


def test_what_its_pods_have() -> None:
    found = claim(replace(ASKED, priority=3), serving(ONE, count=2), NOW)
    assert (found.priority, found.uses, found.lacks) == (3, GPUS, frozenset())


def test_what_a_pod_waits_for() -> None:
    assert claim(ASKED, WAITS, NOW).lacks == GPUS


def test_but_not_for_ever() -> None:
    assert claim(ASKED, WAITS, after(minutes=59)).lacks == GPUS
    assert claim(ASKED, WAITS, after(minutes=61)).lacks == frozenset()


def test_who_only_recommends_claims_nothing() -> None:
    assert claim(replace(ASKED, acts=False), WAITS, NOW) == NO_CLAIM


def test_want_of_memory_is_none_of_a_device() -> None:
    assert claim(ASKED, serving(ONE, pods=(pod("waits", ONE, NO_ROOM),)), NOW).lacks == frozenset()


def test_what_ends_waits_for_nothing() -> None:
    ends = replace(pod("ends", ONE, NO_GPU), terminating=True)
    found = claim(ASKED, serving(ONE, pods=(ends,)), NOW)
    assert (found.uses, found.lacks) == (frozenset(), frozenset())
