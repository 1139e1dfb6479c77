"""What a ModelDeployment claims of devices such as GPUs, read from its revisions and pods."""

from dataclasses import replace

from tests.unit.core.seeing import NO_GPU, NO_ROOM, pod, revision, serving
from tritium.core.scaling.priority import claim

GPU = {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1, "memory": "1Gi"}}}, {"name": "beside"}]}}
GPUS = frozenset({"nvidia.com/gpu"})
ONE = replace(revision(1), template=GPU)


def test_what_its_pods_have() -> None:
    found = claim(3, serving(ONE, count=2))
    assert (found.priority, found.uses, found.lacks) == (3, GPUS, frozenset())


def test_what_a_pod_waits_for() -> None:
    assert claim(0, serving(ONE, pods=(pod("waits", ONE, NO_GPU),))).lacks == GPUS


def test_want_of_memory_is_none_of_a_device() -> None:
    assert claim(0, serving(ONE, pods=(pod("waits", ONE, NO_ROOM),))).lacks == frozenset()


def test_what_ends_waits_for_nothing() -> None:
    ends = replace(pod("ends", ONE, NO_GPU), terminating=True)
    found = claim(0, serving(ONE, pods=(ends,)))
    assert (found.uses, found.lacks) == (frozenset(), frozenset())
