"""Images and the node: their recipes without an engine."""

import os
from pathlib import Path

from e2e.cluster import images, kind, rootfs


def test_large_files_are_linked_and_small_ones_get_their_mode(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "program").write_text("x")

    images.place(source, tmp_path / "linked")
    images.place(source, tmp_path / "copied", 0o755)

    assert (tmp_path / "linked" / "bin" / "program").samefile(source / "bin" / "program")
    assert (tmp_path / "copied" / "bin" / "program").stat().st_mode & 0o777 == 0o755
    assert os.path.lexists(source / "bin" / "program")


def test_an_image_carries_what_it_was_made_from() -> None:
    changes = images.changes("key", {"user": "1:1"})

    assert changes == ["--change", f"LABEL {images.LABEL}=key", "--change", "USER 1:1"]


def test_each_recipe_is_written_as_options() -> None:
    options = rootfs.options(rootfs.ROOTFS["node"])

    assert "--variant=minbase" in options
    assert any(option.startswith("--include=systemd,") for option in options)


def test_a_pod_without_labels_is_nothing_that_is_waited_for() -> None:
    assert kind.app({"metadata": {}}) not in kind.EXPECTED
