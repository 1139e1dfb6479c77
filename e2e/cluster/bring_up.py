"""Brings the whole cluster up, in the order that wastes least time, and takes it down.

Compiling keeps both cores busy for ten minutes; fetching packages waits for the network and the disk. So both run
beside each other, and every image, the engine and the cluster begin as soon as what they need is there.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from e2e.cluster import (
    binaries,
    cache,
    engine,
    images,
    kind,
    node_files,
    node_image,
    registry,
    requirements,
    rootfs,
    settings,
    steps,
    wheels,
    workloads,
)
from e2e.cluster.mode import Mode, have_engine, mode

MODULES: Final = (
    "kubernetes",
    "runc",
    "moby",
    "containerd",
    "etcd",
    "kind",
    "cni",
    "coredns",
    "versitygw",
    "helm",
)
"""The longest first; the engine's next, for it can start while the rest compiles."""


def up() -> None:
    """Have the cluster, healthy, with the project's images in it."""
    began = time.monotonic()
    with cache.locked("cluster"):
        cache.tidy()
        if mode() is Mode.REGISTRY:
            from_registry()
        else:
            from_source()
        for name in workloads.ALL:
            kind.load(name)
        kind.await_ready()
    if steps.finished:
        steps.summary(time.monotonic() - began)
    steps.say(f"the cluster is ready: export KUBECONFIG={settings.kubeconfig()}")


def from_registry() -> None:
    """Take published images. UNTESTED, see `registry`."""
    have_engine()
    node = registry.pull(settings.NODE_IMAGE)
    for build in workloads.ALL.values():
        build()
    kind.ensure(node)


def from_source() -> None:
    """Build everything that is not there yet."""
    if not complete():
        requirements.demand(*requirements.SOURCE)
    # Two at a time, because a module's last seconds of linking leave a core idle.
    with ThreadPoolExecutor(2) as compiling, ThreadPoolExecutor(1) as fetching:
        compiled = {name: compiling.submit(binaries.ensure_module, name) for name in MODULES}
        fetched = [
            fetching.submit(node_files.ensure),
            fetching.submit(rootfs.ensure, "node"),
            fetching.submit(rootfs.ensure, "kube-proxy"),
            fetching.submit(rootfs.ensure, "python"),
            fetching.submit(wheels.triton),
            fetching.submit(wheels.envoy),
            fetching.submit(wheels.operator_dependencies),
        ]
        try:
            need(compiled, "moby", "containerd", "runc")
            have_engine()
            for each in fetched:
                each.result()
            workloads.triton()
            workloads.envoy()
            workloads.operator()
            need(compiled, *node_image.MODULES)
            kind.ensure(node_image.ensure())
            need(compiled, *MODULES)
            workloads.versitygw()
        except BaseException:
            # What has begun ends; what has not begun is not worth waiting for.
            compiling.shutdown(wait=False, cancel_futures=True)
            fetching.shutdown(wait=False, cancel_futures=True)
            raise


def need(futures: Mapping[str, Future[Path]], *names: str) -> None:
    """Wait for some of the work, and pass its failure on."""
    for name in names:
        futures[name].result()


def complete() -> bool:
    """Whether all programs are built, so that a machine that has lost its compiler still gets its cluster."""
    return all(binaries.module_path(name).is_dir() for name in MODULES)


def down() -> None:
    """Delete the cluster and end the engine that we started."""
    with cache.locked("cluster"):
        if engine.answers():
            kind.delete()
        engine.stop()


def load_operator() -> None:
    """Build the operator from the checkout as it is, and give it to the running cluster."""
    with cache.locked("cluster"):
        have_engine()
        workloads.operator()
        kind.load(settings.OPERATOR_IMAGE)


def load_next_operator() -> None:
    """Build the operator of a later version, and give it to the running cluster."""
    with cache.locked("cluster"):
        have_engine()
        workloads.next_operator()
        kind.load(settings.NEXT_OPERATOR_IMAGE)


def build_images(*names: str) -> None:
    """Build some of the images that run in the cluster; with no names, all."""
    known = {build.__name__: build for build in workloads.ALL.values()}
    if unknown := [name for name in names if name not in known]:
        raise steps.Failed(f"no such image: {', '.join(unknown)}. Known: {', '.join(known)}")
    with cache.locked("cluster"):
        have_engine()
        for name in names or known:
            known[name]()
    for image in workloads.ALL:
        steps.say(f"{image}: {images.size(image)}")
