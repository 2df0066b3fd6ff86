"""The published trunks: their parameters, their numbers, what is fixed, their weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model
from torchvision.models.vgg import cfgs, make_layers

from methods.nn.faster_rcnn.config import (
    RESNET101,
    TINY,
    VGG16,
    FasterRcnnConfig,
    ResNet101Config,
    Vgg16Config,
)
from methods.nn.faster_rcnn.network import FasterRCNN
from methods.nn.faster_rcnn.trunks import ResNet101, Vgg16
from methods.nn.faster_rcnn.weights import load_imagenet
from methods.nn.published_checks import comparing, shape_of
from methods.nn.published_checks import torchvision as check_published


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("classes", "parameters"), [(24, 134_772_669), (10, 134_485_879)])
def test_parameters_of_single_frames(classes: int, parameters: int) -> None:
    """Of the part that is Fast R-CNN; proposals have 2,387,510 more."""
    network = shape_of(lambda: FasterRCNN(VGG16, classes))
    assert count(network) - count(network.proposals) == parameters
    assert count(network.proposals) == 2_387_510


@pytest.mark.parametrize(
    ("frames", "classes", "parameters"),
    [(5, 24, 71_571_731), (5, 10, 68_560_877), (1, 24, 47_503_091), (1, 10, 47_359_661)],
)
def test_parameters_of_stacks(frames: int, classes: int, parameters: int) -> None:
    """Scale and shift of batch normalisation are among them, fixed or not."""
    assert count(shape_of(lambda: FasterRCNN(RESNET101, classes, frames))) == parameters


def test_vgg_is_torchvisions() -> None:
    torch.manual_seed(0)
    known, ours = make_layers(cfgs["D"]), Vgg16(Vgg16Config(), pooled=1)
    ours.features.load_state_dict(known[:-1].state_dict())
    frame = torch.rand(1, 3, 64, 48)
    found = ours.maps(frame)
    assert found.shape == (1, 512, 4, 3)
    torch.testing.assert_close(F.max_pool2d(found, 2), known(frame))


def test_resnet_is_torchvisions() -> None:
    torch.manual_seed(0)
    known = get_model("resnet101", weights=None).eval()
    ours = shape_of(lambda: ResNet101(ResNet101Config()))
    left = ours.load_state_dict(known.state_dict(), strict=False, assign=True)
    assert (left.missing_keys, left.unexpected_keys) == ([], ["fc.weight", "fc.bias"])
    frame = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        maps = ours.eval().maps(frame)
        assert maps.shape == (1, 1024, 4, 4)
        torch.testing.assert_close(known.fc(ours.described(maps)), known(frame))


def fixed(network: nn.Module) -> set[str]:
    return {name for name, parameter in network.named_parameters() if not parameter.requires_grad}


def test_the_first_four_convolutions_of_vgg_are_fixed() -> None:
    expected = {f"features.{layer}.{kind}" for layer in (0, 2, 5, 7) for kind in ("weight", "bias")}
    assert fixed(shape_of(lambda: Vgg16(Vgg16Config(), 7))) == expected
    assert not fixed(shape_of(lambda: Vgg16(Vgg16Config(fixed_blocks=0), 7)))


def test_the_first_blocks_and_all_normalisation_of_resnet_are_fixed() -> None:
    network = shape_of(lambda: ResNet101(ResNet101Config()))
    normalisation = {name for name, _ in network.named_parameters() if "bn" in name or "downsample.1" in name}
    first = {name for name, _ in network.named_parameters() if name.startswith(("conv1.", "layer1."))}
    assert fixed(network) == normalisation | first
    layers = [m for m in network.train().modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(layers) == len(normalisation) / 2 == 104
    assert not any(layer.training for layer in layers)
    scratch = shape_of(lambda: ResNet101(ResNet101Config(fixed_blocks=0, frozen_batch_norm=False)))
    assert not fixed(scratch)
    assert scratch.train().bn1.training


State = dict[str, Tensor]


@pytest.fixture(scope="module")
def states() -> dict[str, State]:
    """torchvision's state dicts by their layouts, zeros that take no room in a file."""
    networks = {name: shape_of(partial(get_model, name, weights=None)) for name in ("vgg16", "resnet101")}
    return {
        name: {key: torch.zeros((), dtype=v.dtype).expand(v.shape) for key, v in network.state_dict().items()}
        for name, network in networks.items()
    }


@pytest.mark.parametrize(("name", "config"), [("vgg16", VGG16), ("resnet101", RESNET101)])
def test_imagenet_weights_fit(
    name: str, config: FasterRcnnConfig, states: dict[str, State], tmp_path: Path
) -> None:
    path, network = tmp_path / "weights.pth", shape_of(lambda: FasterRCNN(config, 24))
    torch.save(states[name], path)
    with comparing():
        load_imagenet(network, path)
    check_published(f"{name}-imagenet", path)
    first = next(iter(states[name]))
    torch.save({f"{key}x" if key == first else key: value for key, value in states[name].items()}, path)
    said = rf"{path} does not fit: missing 1 \({first}\); unexpected 1 \({first}x\).*torchvision's {name}"
    with pytest.raises(ValueError, match=said):
        load_imagenet(network, path)


def test_weights_of_another_network_are_refused(states: dict[str, State], tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(states["resnet101"], path)
    with pytest.raises(ValueError, match=r"missing 30 \(features.0.weight.*torchvision's vgg16"):
        load_imagenet(shape_of(lambda: FasterRCNN(VGG16, 24)), path)
    with pytest.raises(ValueError, match=r"trunk=tiny starts from random weights.*vgg16 or resnet101"):
        load_imagenet(shape_of(lambda: FasterRCNN(TINY, 24)), path)


def test_imagenet_weights_are_taken_over_and_nothing_else_changes(
    states: dict[str, State], tmp_path: Path
) -> None:
    network = shape_of(lambda: FasterRCNN(RESNET101, 2)).to_empty(device="cpu")
    with torch.no_grad():
        for value in network.state_dict().values():
            value.fill_(1)
    torch.save(states["resnet101"], tmp_path / "weights.pth")
    load_imagenet(network, tmp_path / "weights.pth")
    changed = {name for name, value in network.state_dict().items() if not value.any()}
    assert changed == {name for name in network.state_dict() if name.startswith("trunk.")}
