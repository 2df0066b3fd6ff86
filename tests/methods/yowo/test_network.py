"""The network against the official layouts, and its starting weights."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from methods.nn.region_loss import RegionLoss
from methods.yowo.config import ModelConfig, YowoConfig, base
from methods.yowo.network import (
    ChannelAttention,
    YowoNetwork,
    freeze_branches,
    from_official,
    load_official,
    to_official,
)
from methods.yowo.start import start

sys.path.insert(0, str(Path(__file__).parents[1] / "nn"))
from layouts import layout_of, parameters, published


@pytest.mark.parametrize(
    ("dataset", "classes", "name"),
    [("ucf24", 24, "yowo_resnext101_darknet_ucf24"), ("jhmdb", 21, "yowo_resnext101_darknet_jhmdb21")],
)
def test_official_layout(dataset: str, classes: int, name: str) -> None:
    with torch.device("meta"):
        network = YowoNetwork(base(dataset, "full").model, classes)
        inputs = {"clip": torch.empty(1, 3, 16, 224, 224), "key": torch.empty(1, 3, 224, 224)}
        shape = network.head_map(inputs).shape
    assert layout_of(to_official(network.state_dict())) == published(name)
    assert sum(p.numel() for p in network.parameters()) == parameters(name)
    assert shape == (1, 5 * (5 + classes), 7, 7)


@pytest.fixture
def narrow(small: YowoConfig) -> ModelConfig:
    """All layers of the official network, with few channels."""
    return replace(
        small.model,
        kind_3d="resnext",
        width_3d=0.0625,
        groups_3d=2,
        pools_2d=(True,) * 5,
    )


def test_names_round_trip(narrow: ModelConfig) -> None:
    state = YowoNetwork(narrow, 3).state_dict()
    again = from_official(to_official(state))
    assert {*again, "anchors_A2"} == set(state)
    assert all(again[name] is state[name] for name in again)


def test_official_checkpoints_load(narrow: ModelConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained, network = YowoNetwork(narrow, 3), YowoNetwork(narrow, 3)
    official = {f"module.{name}": value for name, value in to_official(trained.state_dict()).items()}
    torch.save({"epoch": 3, "state_dict": official}, tmp_path / "yowo.pth")
    load_official(network, tmp_path / "yowo.pth")
    assert all(torch.equal(v, trained.state_dict()[n]) for n, v in network.state_dict().items())
    with pytest.raises(ValueError, match=r"yowo\.pth does not fit.*conv_final\.weight is \(24, 16, 1, 1\)"):
        load_official(YowoNetwork(narrow, 4), tmp_path / "yowo.pth")


def test_branches_start_from_their_own_weights(narrow: ModelConfig, tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = YowoNetwork(narrow, 3)
    trunk = trained.backbone_3d.state_dict() | {"fc.weight": torch.zeros(5, 128), "fc.bias": torch.zeros(5)}
    torch.save({"state_dict": trunk}, tmp_path / "kinetics.pth")
    torch.save(trained.backbone_2d.state_dict(), tmp_path / "coco.pt")
    model = replace(
        narrow,
        pretrained_3d=str(tmp_path / "kinetics.pth"),
        pretrained_2d=str(tmp_path / "coco.pt"),
        frozen=True,
    )
    network = start(YowoNetwork(model, 7), model)
    for name, value in trained.state_dict().items():
        if name.startswith("backbone_"):
            assert torch.equal(network.state_dict()[name], value), name
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    assert "backbone_3d.layer3.0.conv1.weight" in frozen
    assert "backbone_2d.fine.0.conv.weight" in frozen
    learnt = {"backbone_3d.layer4.0.conv1.weight", "backbone_2d.fuse.conv.weight", "conv_final.weight"}
    assert not learnt & frozen


def test_a_new_attention_changes_nothing_and_gathers_from_the_unlike() -> None:
    attention, x = ChannelAttention(), torch.randn(1, 3, 2, 2)
    assert torch.equal(attention(x), x)
    attention.gamma.data.fill_(1.0)
    flat = x[0].flatten(1)
    alike = flat @ flat.T
    weight = torch.softmax(alike.max(dim=1, keepdim=True).values - alike, dim=1)
    assert torch.allclose(attention(x)[0].flatten(1), flat + weight @ flat, atol=1e-5)


@pytest.mark.parametrize("branches", [("3d", "2d"), ("3d",), ("2d",)])
def test_every_branch_learns(small: YowoConfig, branches: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    network = YowoNetwork(replace(small.model, branches=branches), 3)
    inputs = {"clip": torch.rand(2, 3, 4, 48, 64), "key": torch.rand(2, 3, 48, 64)}
    boxes = [torch.tensor([[4.0, 6.0, 30.0, 40.0]]), torch.zeros(0, 4)]
    labels = [torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(0, 3)]
    losses = network(inputs, boxes, labels, RegionLoss())
    assert set(losses) == {"centre", "size", "objectness", "class"}
    torch.stack(list(losses.values())).sum().backward()
    # the residual attention begins at 0, so all but its own weight have a gradient
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_the_loss_is_the_mean_over_the_batch(small: YowoConfig) -> None:
    torch.manual_seed(0)
    network = YowoNetwork(small.model, 3).eval()
    one = {"clip": torch.rand(1, 3, 4, 48, 64), "key": torch.rand(1, 3, 48, 64)}
    two = {name: value.repeat(2, *[1] * (value.ndim - 1)) for name, value in one.items()}
    box, label = torch.tensor([[4.0, 6.0, 30.0, 40.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    single = network(one, [box], [label], RegionLoss())
    double = network(two, [box, box], [label, label], RegionLoss())
    for name in single:
        assert double[name].item() == pytest.approx(single[name].item(), rel=1e-4)


def test_freezing_leaves_the_head() -> None:
    with torch.device("meta"):
        network = YowoNetwork(base("ucf24", "full").model, 24)
    freeze_branches(network)
    learnt = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert 0 < learnt < sum(p.numel() for p in network.parameters())
