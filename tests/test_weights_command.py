"""``bench weights``: the list, and files that are and are not what they are said to be."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from bench.commands.weights import command
from methods.base import available, find
from methods.nn import published
from methods.nn.darknet import Darknet19, DarknetConfig
from methods.nn.darknet_weights import to_official
from methods.nn.published_checks import shape_of
from methods.nn.resnext3d import ResNeXt3D, ResNeXt3DConfig
from methods.yowo.config import UCF24_ANCHORS, ModelConfig
from methods.yowo.network import YowoNetwork
from methods.yowo.network import to_official as yowo_names


def weights(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def refusal(*words: object) -> str:
    done = weights(*words)
    assert isinstance(done.exception, ValueError), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


def test_all_are_listed_with_page_and_licence() -> None:
    done = weights()
    assert done.exit_code == 0, done.exception
    joined = "".join(done.output.split())
    for entry in published.ALL.values():
        for said in (entry.name, entry.file, entry.licence, entry.page, f"{entry.parameters:,}"):
            assert entry.page.startswith("https://")
            assert said.split()[0] in joined
    assert "nothing is downloaded" in done.output


def test_of_one_method_those_that_it_starts_from() -> None:
    done = weights("PCSC")
    assert "i3d-rgb" in done.output
    assert "flownet2" in done.output
    assert "yolo-coco" not in done.output
    assert "did you mean yowo" in refusal("yowoo")


def test_every_entry_of_a_method_is_in_the_list_and_has_its_check() -> None:
    entries = list(published.ALL.values())
    assert len({entry.name for entry in entries}) == len(entries)
    for name in available():
        assert set(find(name).weights) <= set(entries), name
    for entry in entries:
        module, _, function = entry.check.partition(":")
        assert callable(getattr(importlib.import_module(module), function)), entry.name


def zeros(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of these shapes that take no room in a file."""
    return {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in state.items()}


@pytest.fixture(scope="module")
def mars(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """A file in the layout of MARS's: a training state, names of a data-parallel model."""
    network = shape_of(lambda: ResNeXt3D(ResNeXt3DConfig(num_classes=400)))
    state = zeros({f"module.{name}": value for name, value in network.state_dict().items()})
    path = tmp_path_factory.mktemp("mars") / "MARS_Kinetics_16f.pth"
    torch.save({"epoch": 3, "arch": "resnext-101", "state_dict": state, "optimizer": {}}, path)
    return path, state


def test_mars_is_known_and_told_from_others(
    mars: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    path, state = mars
    done = weights("--check", path, "--as", "mars-kinetics")
    assert done.output == f"{path} is mars-kinetics: 48,340,816 parameters, every tensor in its shape\n"
    assert "fc.weight is (400, 2048) and must be (51, 2048)" in refusal(
        "--check", path, "--as", "resnext-101-hmdb51"
    )
    said = refusal("--check", path, "--as", "mars-flow-kinetics")
    assert "conv1.weight is (64, 3, 7, 7, 7) and must be (64, 2, 7, 7, 7)" in said
    lacking = {name: value for name, value in state.items() if "layer3.7.bn2" not in name}
    torch.save(lacking | {"module.extra": torch.zeros(1)}, tmp_path / "other.pth")
    said = refusal("--check", tmp_path / "other.pth", "--as", "mars-kinetics")
    assert "missing" in said
    assert "layer3.7.bn2.weight" in said
    assert "unexpected 1 (extra)" in said


def test_an_official_yowo_is_known_by_its_classes(tmp_path: Path) -> None:
    network = shape_of(lambda: YowoNetwork(ModelConfig(anchors=UCF24_ANCHORS), 24))
    path = tmp_path / "yowo.pth"
    state = {f"module.{name}": value for name, value in yowo_names(network.state_dict()).items()}
    torch.save({"epoch": 1, "state_dict": zeros(state), "optimizer": {}, "fscore": 0.9}, path)
    assert weights("yowo", "--check", path, "--as", "yowo-ucf24").exit_code == 0
    said = refusal("--check", path, "--as", "yowo-jhmdb")
    assert "conv_final.weight is (145, 1024, 1, 1) and must be (130, 1024, 1, 1)" in said
    assert "missing" in refusal("--check", path, "--as", "mars-kinetics")


def test_darknets_own_file_is_counted(tmp_path: Path) -> None:
    """16 bytes of header and 50,983,561 numbers."""
    path = tmp_path / "yolo.weights"
    with path.open("wb") as file:
        np.array([0, 1, 0, 0], np.int32).tofile(file)
        file.truncate(203_934_260)
    assert weights("--check", path, "--as", "yolo-coco").exit_code == 0
    with path.open("r+b") as file:
        file.truncate(203_934_256)
    assert "ends within head.weight" in refusal("--check", path, "--as", "yolo-coco")


def test_the_other_layouts_of_darknet(tmp_path: Path) -> None:
    network = shape_of(lambda: Darknet19(DarknetConfig(passthrough=None, out_channels=125)))
    state = zeros(to_official(network.state_dict(), "voc"))
    torch.save(state, tmp_path / "voc.pth")
    assert weights("--check", tmp_path / "voc.pth", "--as", "yolo-voc").exit_code == 0
    assert "fuse" in refusal("--check", tmp_path / "voc.pth", "--as", "yolo-coco")


@pytest.mark.parametrize(
    "name", ["i3d-rgb", "i3d-flow", "vgg16-imagenet", "vgg16-reduced", "raft-small", "pwc-net", "pwc-net-old"]
)
def test_a_file_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.pt").write_text("no weights")
    assert "no PyTorch checkpoint" in refusal("--check", tmp_path / "file.pt", "--as", name)
    torch.save({"x": torch.zeros(2)}, tmp_path / "file.pt")
    assert "unexpected 1 (x)" in refusal("--check", tmp_path / "file.pt", "--as", name)
    assert "no checkpoint at" in refusal("--check", tmp_path / "absent.pt", "--as", name)


def test_file_and_name_belong_together(tmp_path: Path) -> None:
    assert "belong together" in refusal("--check", tmp_path)
    assert "belong together" in refusal("--as", "i3d-rgb")
    assert "did you mean i3d-rgb" in refusal("--check", tmp_path, "--as", "i3d-rgbs")
