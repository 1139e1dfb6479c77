"""What the layers of a manifest are: files by their names, as ORAS and ModelPack push them, or archives of files."""

import re
from typing import Any, Final

from tritium.api.fetch import FetchReason
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.listing import MAX_FILES, Archive, RemoteFile

_TITLE: Final = "org.opencontainers.image.title"
_FILEPATHS: Final = ("org.cncf.model.filepath", "org.cnai.model.filepath")
_UNPACK: Final = "io.deis.oras.content.unpack"
"""Of a folder that ORAS packed."""

_PACKED: Final = re.compile(r"application/vnd\.(cncf\.model|cnai\.model|kitops\.modelkit)\..*")
"""Types of which the ending says how a layer is packed."""

_IMAGES: Final = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
"""Configurations of images that containers run."""

_INSIDE: Final = "models"
"""Where images that only carry a model have it, as KServe's have."""

_EMPTY: Final = "application/vnd.oci.empty.v1+json"
_DATASET: Final = re.compile(r"application/vnd\.(cncf\.model|cnai\.model|kitops\.modelkit)\.dataset\.")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def remote_files(manifest: dict[str, Any], repository: str, place: Place) -> tuple[RemoteFile, ...]:
    """The files of a manifest.

    Raises:
        Failed: `ModelInvalid`, when it is no manifest, or has a layer that cannot be taken for a file.
    """
    layers = manifest.get("layers")
    if not isinstance(layers, list) or not all(isinstance(each, dict) for each in layers) or len(layers) > MAX_FILES:
        raise _invalid(place, "is no manifest with layers. Check what was pushed")
    wanted = [each for each in layers if each.get("mediaType") != _EMPTY and not _DATASET.match(_kind(each))]
    if not wanted:
        raise _invalid(place, "has no layers. Check what was pushed")
    config = manifest.get("config")
    image = isinstance(config, dict) and config.get("mediaType") in _IMAGES
    found = (_remote(each, repository, place, image=image) for each in wanted)
    # Images may have the same layer twice, most often an empty one.
    return tuple({(each.path, each.version): each for each in found}.values())


def _remote(layer: dict[str, Any], repository: str, place: Place, *, image: bool) -> RemoteFile:
    digest, size = layer.get("digest"), layer.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
        raise _invalid(place, f"has a layer without size, or with a digest that is no sha256 ({str(digest)[:80]!r})")
    name, archive = _name(layer), _archive(layer, place, image=image)
    if name is None and archive is None:
        raise _invalid(
            place,
            f"has a layer of type {_kind(layer)[:100]!r} without a name. Push the model's files by their names, as "
            "`oras push` does",
        )
    return RemoteFile(
        path=digest if archive or name is None else name,
        size=size,
        version=digest,
        key=f"v2/{repository}/blobs/{digest}",
        sha256=digest.removeprefix("sha256:"),
        archive=archive,
        inside=_INSIDE if image and name is None else "",
    )


def _archive(layer: dict[str, Any], place: Place, *, image: bool) -> Archive | None:
    """How a layer is packed; None where it is a file.

    ORAS gives files the type of an image's layer, so that alone says nothing.
    """
    kind, said = _kind(layer), layer.get("annotations")
    unpack = isinstance(said, dict) and said.get(_UNPACK) == "true"
    if not (_PACKED.fullmatch(kind) or unpack or (image and _name(layer) is None)):
        return None
    if kind.endswith((".tar+gzip", ".tar.gzip")):
        return Archive.TAR_GZIP
    if kind.endswith(".tar"):
        return Archive.TAR
    if _PACKED.fullmatch(kind) and "tar" not in kind.rpartition(".")[2]:
        return None
    raise _invalid(place, f"has a layer of type {kind[:100]!r}. Pack it as tar or tar+gzip")


def _name(layer: dict[str, Any]) -> str | None:
    annotations = layer.get("annotations")
    said = annotations if isinstance(annotations, dict) else {}
    found = next((said[key] for key in (*_FILEPATHS, _TITLE) if isinstance(said.get(key), str)), None)
    return found.removeprefix("./") if found else None


def _kind(layer: dict[str, Any]) -> str:
    return str(layer.get("mediaType", ""))


def _invalid(place: Place, what: str) -> Failed:
    return Failed(FetchReason.MODEL_INVALID, f"{place} {what}")
