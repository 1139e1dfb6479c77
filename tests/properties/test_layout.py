"""Properties of the layout, over generated names: nothing escapes, and nothing is lost or laid over another."""

from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from tritium.api.source import Layout
from tritium.sync.layout import plan
from tritium.sync.places import CONFIG, NotAModel, Plan

parts = st.sampled_from(
    ["1", "2", "01", "a", "fraud", "..", ".", "", CONFIG, "model.py", "model.onnx", "model.savedmodel", "x\\y", "x\0"]
) | st.text(max_size=3)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
layouts: st.SearchStrategy[Layout] = st.sampled_from(
    ["auto", "triton", "python", "onnx", "torchscript", "tensorrt", "openvino", "savedmodel"]
)
sources = st.lists(paths, max_size=6)

good = st.sampled_from(
    ["1", "2", "a", "fraud", CONFIG, "model.py", "model.onnx", "b.pt", "a.onnx", "model.pt", "model.xml", "model.bin",
     "a.xml", "a.bin", "saved_model.pb", "model.savedmodel"]
)  # fmt: skip
good_sources = st.lists(st.lists(good, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6, unique=True)


def outcome(source: list[str], layout: Layout) -> Plan | None:
    """Where everything goes, or nothing where the source is refused."""
    try:
        return plan(source, "fraud", layout)
    except NotAModel:
        return None


@given(sources | good_sources, layouts)
def test_nothing_leaves_the_models_folder(source: list[str], layout: Layout) -> None:
    if (laid := outcome(source, layout)) is None:
        return
    together = len(laid.models) > 1
    for target in [*laid.targets.values(), *laid.generated, *laid.versions]:
        path = PurePosixPath(target)
        # Models that belong together lie as they are, with what is beside them.
        assert path.parts[0] == "fraud" or (together and target in [*source, *laid.versions])
        assert len(path.parts) > 1 or together
        assert not {"..", ".", ""} & set(target.split("/"))
        assert path.as_posix() == target


@given(sources | good_sources, layouts)
def test_every_file_has_a_place_of_its_own(source: list[str], layout: Layout) -> None:
    if (laid := outcome(source, layout)) is None:
        return
    targets = [*laid.targets.values(), *laid.generated]
    assert set(laid.targets) == set(source)
    assert len(set(targets)) == len(source) + len(laid.generated)
    for target in [*targets, *laid.versions]:
        assert not any(str(parent) in targets for parent in PurePosixPath(target).parents), "a file that is a folder"
    for folder in laid.versions:
        assert not any(target == folder or target.startswith(f"{folder}/") for target in targets), "empty, and new"


@given(good_sources, layouts)
def test_there_is_always_a_model_of_that_name_with_a_version(source: list[str], layout: Layout) -> None:
    if (laid := outcome(source, layout)) is None:
        return
    folders = [
        *(target.split("/")[:2] for target in laid.targets.values()),
        *(each.split("/") for each in laid.versions),
    ]
    assert any(folder[0] == "fraud" and folder[1:] and folder[1].isdecimal() for folder in folders)


@given(good_sources.flatmap(lambda source: st.tuples(st.just(source), st.permutations(source))), layouts)
def test_the_order_of_a_listing_does_not_matter(orders: tuple[list[str], list[str]], layout: Layout) -> None:
    one, other = (outcome(order, layout) for order in orders)
    assert one == other


@given(good_sources)
def test_a_version_folder_makes_it_a_model_as_it_is(source: list[str]) -> None:
    source = [*(path for path in source if not path.startswith("7")), "7/model.onnx"]
    laid = outcome(source, "auto")
    assert laid is None or laid.targets == {path: f"fraud/{path}" for path in source}
