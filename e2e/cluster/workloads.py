"""The images that run in the cluster: Triton for CPU, Envoy, an S3 server for tests, the operator.

Each is built from what the host has fetched or compiled; a build inside a container needs no network.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from e2e.cluster import binaries, cache, images, registry, rootfs, settings, wheels
from e2e.cluster.images import Image
from e2e.cluster.mode import Mode, mode
from e2e.cluster.steps import Failed, Runner

NOBODY: Final = "65532:65532"
RECIPE: Final = Path(__file__)
"""This file says how an image is put together, so it counts among what the image is made from."""


def python_base() -> str:
    """Have the base of the Python images; return its name."""
    if mode() is Mode.REGISTRY:
        registry.pull(registry.PYTHON_BASE_IMAGE)
        return registry.PYTHON_BASE_IMAGE

    def make(run: Runner) -> None:
        images.from_tar(run, image.name, rootfs.ensure("python"), image.key, cmd=["python3"])

    image = Image(settings.PYTHON_BASE_IMAGE, cache.key(str(rootfs.ROOTFS["python"]), RECIPE), make)
    images.ensure(image)
    return image.name


def triton() -> str:
    """Triton with its Python backend, for CPU."""
    if mode() is Mode.REGISTRY:
        return registry.pull(settings.TRITON_IMAGE)
    base, packages, dockerfile = python_base(), wheels.triton(), settings.FILES / "triton.Dockerfile"

    def make(run: Runner) -> None:
        images.build(run, image.name, packages, dockerfile, image.key, BASE_IMAGE=base)

    image = Image(settings.TRITON_IMAGE, cache.key(images.label(base) or "", packages.name, dockerfile, RECIPE), make)
    return images.ensure(image)


def envoy() -> str:
    """Envoy, with the few libraries of Debian that it needs and nothing else."""
    if mode() is Mode.REGISTRY:
        return registry.pull(settings.ENVOY_IMAGE)
    base, program, dockerfile = python_base(), wheels.envoy(), settings.FILES / "envoy.Dockerfile"

    def make(run: Runner) -> None:
        with images.context() as context:
            images.place(program, context / "envoy")
            images.build(run, image.name, context, dockerfile, image.key, BASE_IMAGE=base)

    key = cache.key(images.label(base) or "", program.parents[2].name, dockerfile, RECIPE)
    image = Image(settings.ENVOY_IMAGE, key, make)
    return images.ensure(image)


def versitygw() -> str:
    """An S3 server that keeps objects as files: one static program."""
    if mode() is Mode.REGISTRY:
        return registry.pull(settings.VERSITYGW_IMAGE)
    program = binaries.ensure("versitygw")["versitygw"]

    def make(run: Runner) -> None:
        files = {"/usr/local/bin/versitygw": program}
        images.from_files(run, image.name, files, image.key, entrypoint=list(files), user=NOBODY)

    image = Image(settings.VERSITYGW_IMAGE, cache.key(program.parent.name, RECIPE), make)
    return images.ensure(image)


def operator() -> str:
    """The operator, from the checkout as it is now."""
    dockerfile, lock = settings.ROOT / "Dockerfile", settings.LOCKS / "runtime.txt"
    if absent := [str(path) for path in (dockerfile, lock, settings.ROOT / "operator") if not path.exists()]:
        raise Failed(f"the operator's image needs {' and '.join(absent)}")
    base, dependencies, own = python_base(), wheels.operator_dependencies(), wheels.operator()

    def make(run: Runner) -> None:
        with images.context() as context:
            images.place(lock, context / "requirements" / "runtime.txt", 0o644)
            images.place(dependencies, context, 0o644)
            images.place(own, context / "own", 0o644)
            images.build(run, image.name, context, dockerfile, image.key, BASE_IMAGE=base)

    key = cache.key(base, images.label(base) or "", dependencies.name, own.name, dockerfile, RECIPE)
    image = Image(settings.OPERATOR_IMAGE, key, make)
    return images.ensure(image)


def next_operator() -> str:
    """The operator of a later version, for tests of an upgrade. It is built when one asks for it."""
    operator()
    dockerfile, name = settings.FILES / "next-operator.Dockerfile", settings.OPERATOR_IMAGE

    def make(run: Runner) -> None:
        with images.context() as context:
            images.build(run, image.name, context, dockerfile, image.key, BASE_IMAGE=name)

    image = Image(settings.NEXT_OPERATOR_IMAGE, cache.key(images.label(name) or "", dockerfile, RECIPE), make)
    return images.ensure(image)


ALL: Final[Mapping[str, Callable[[], str]]] = {
    settings.TRITON_IMAGE: triton,
    settings.ENVOY_IMAGE: envoy,
    settings.VERSITYGW_IMAGE: versitygw,
    settings.OPERATOR_IMAGE: operator,
}
