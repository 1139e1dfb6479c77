"""The programs: every one has one module, and its pins are sound."""

from pathlib import Path

import pytest

from e2e.cluster import binaries, gomod, settings
from e2e.cluster.steps import Failed

MODULES = sorted(settings.GO.iterdir())


@pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)
def test_a_module_pins_its_tools_with_checksums(folder: Path) -> None:
    module = gomod.read(folder)

    assert module.tools
    sums = (folder / "go.sum").read_text()
    for package in module.tools.values():
        owner = max((path for path in module.requires if f"{package}/".startswith(f"{path}/")), key=len)
        assert f"{owner} {module.requires[owner]} h1:" in sums


def test_no_two_modules_have_the_same_program() -> None:
    tools = [tool for folder in MODULES for tool in gomod.read(folder).tools]

    assert len(tools) == len(set(tools))


def test_flags_are_of_modules_that_exist() -> None:
    assert set(binaries.FLAGS) <= {folder.name for folder in MODULES}


def test_an_unknown_program_is_said_with_the_known_ones() -> None:
    with pytest.raises(Failed, match=r"no such program: kubelt\. Known: .*kubelet"):
        binaries.ensure("kubelt")


def test_a_modules_key_follows_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "etcd"
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n")
    (folder / "go.sum").write_text("")
    module = gomod.GoModule(folder, {}, {})
    before = binaries.module_key(module)
    (folder / "go.sum").write_text("changed")

    assert binaries.module_key(module) != before


def test_kubernetes_knows_its_version() -> None:
    flags = binaries.kubernetes_version()

    assert f"gitVersion={settings.KUBERNETES}" in flags
    assert f"gitMinor={settings.KUBERNETES.split('.')[1]}" in flags
