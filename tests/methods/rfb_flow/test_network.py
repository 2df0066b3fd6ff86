"""The network against the published program's layout, its fusions, and what reaches the flow network."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from methods.nn.flow.network import FlowNetwork
from methods.rfb_flow.config import ModelConfig, RfbFlowConfig, configs, offsets
from methods.rfb_flow.fusion import ElementWise, TopDown
from methods.rfb_flow.network import MEAN, RfbFlowNetwork
from methods.rfb_flow.start import build_network, initialise, start

sys.path.insert(0, str(Path(__file__).parents[1] / "nn"))
from layouts import layout_of, parameters, published

COST = 186_896_573_396
"""Operations of the published network's convolutions on one example with 25 outputs."""
CHANNELS = (512, 1024, 512, 256, 256, 256)


def released(outputs: int) -> RfbFlowNetwork:
    with torch.device("meta"):
        return build_network(configs("ucf24", "full")["released"].model, outputs, True)


@pytest.mark.parametrize(
    ("outputs", "name"),
    [(25, "zhang2020_official_sw_ucf24_25cls"), (22, "zhang2020_official_sw_jhmdb21_22cls")],
)
def test_published_layout(outputs: int, name: str) -> None:
    network = released(outputs)
    assert layout_of(network.state_dict()) == published(name)
    assert sum(p.numel() for p in network.parameters()) == parameters(name)


def test_the_published_program_feeds_pwc_net_red_first() -> None:
    rgb = torch.tensor([255.0, 51.0, 0.0]).view(1, 3, 1, 1)
    found = configs("ucf24", "full")
    for row, expected in (("default", [0.0, 0.2, 1.0]), ("released", [1.0, 0.2, 0.0])):
        with torch.device("meta"):
            network = build_network(found[row].model, 25, True)
        assert network.flow is not None
        assert [seen.flatten().tolist() for seen in network.flow.normalised(rgb, rgb)] == [
            pytest.approx(expected)
        ] * 2
    assert not configs("ucf24-mini", "tiny")["released"].model.flow_rgb


def test_the_published_cost() -> None:
    network = released(25).eval()
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        offsets, _ = network({"frames": torch.empty(1, 3, 3, 300, 300)})
    done = counter.get_flop_counts()["Global"]
    assert sum(cost for kind, cost in done.items() if "conv" in str(kind)) == COST
    assert offsets.shape == (1, 11_620, 4)


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (lambda: ElementWise(CHANNELS, "concat"), 3_541_760),
        (lambda: ElementWise(CHANNELS, "sum"), 1_772_288),
        (lambda: ElementWise(CHANNELS, "average"), 1_772_288),
        (lambda: TopDown(CHANNELS), 1_313_280),
    ],
)
def test_parameters_of_the_fusions(block: Any, count: int) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in block().parameters()) == count


def same(layer: nn.Conv2d) -> None:
    """Make a 1x1 convolution the identity of its first channels."""
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    nn.init.dirac_(layer.weight)


def test_fusions_by_hand() -> None:
    a, m = [torch.full((1, 2, 4, 4), 1.0)], [torch.full((1, 2, 4, 4), 3.0)]
    for combination, expected in (("concat", 1.0), ("sum", 4.0), ("average", 2.0)):
        block = ElementWise((2,), combination)  # type: ignore[arg-type]
        same(block[0])  # type: ignore[arg-type]
        assert torch.equal(block(a, m)[0], torch.full((1, 2, 4, 4), expected))


def test_the_pyramid_comes_down_to_every_size() -> None:
    sizes = (5, 3, 1)
    a = [torch.full((1, 2, s, s), 1.0) for s in sizes]
    m = [torch.full((1, 2, s, s), 2.0) for s in sizes]
    block = TopDown((2, 2, 2))
    for layer in block:
        same(layer)  # type: ignore[arg-type]
    found = block(a, m)
    assert [tuple(f.shape[2:]) for f in found] == [(5, 5), (3, 3), (1, 1)]
    assert [float(f.detach().mean()) for f in found] == [9, 6, 3]


def frames(model: ModelConfig, batch: int = 2) -> Tensor:
    torch.manual_seed(1)
    width, height = model.frame_size
    return torch.randint(0, 256, (batch, len(offsets(model.flow_pairs)), 3, height, width), dtype=torch.uint8)


@pytest.mark.parametrize("fusion", ["concat", "sum", "average", "stfp", "none"])
@pytest.mark.parametrize(("pairs", "number"), [("one", 1), ("two", 2), ("three", 3), ("past", 2)])
def test_every_fusion_and_number_of_pairs(
    small: RfbFlowConfig, difference: FlowNetwork, fusion: Any, pairs: Any, number: int
) -> None:
    model = replace(small.model, fusion=fusion, flow_pairs=pairs)
    network = RfbFlowNetwork(model, 4, difference)
    offsets, logits = network({"frames": frames(model)})
    assert offsets.shape == (2, len(network.priors_P4), 4)
    assert logits.shape == (2, len(network.priors_P4), 4)
    assert difference.pairs == 2 * number
    assert network.flows(frames(model).float()).shape == (2, 2 * number, 48, 64)


def test_without_fusion_detections_are_averaged(small: RfbFlowConfig, difference: FlowNetwork) -> None:
    network = RfbFlowNetwork(replace(small.model, fusion="none"), 4, difference).eval()
    key, flow = frames(small.model)[:, 2].float(), torch.randn(2, 4, 48, 64)
    alone = [
        network.detect((key - torch.tensor(MEAN).view(3, 1, 1)) / small.model.pixel_scale),
        network.detect(network.motion_image(flow)),
    ]
    found = network.detections(key, flow)
    for one in (0, 1):
        torch.testing.assert_close(found[one], (alone[0][one] + alone[1][one]) / 2, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_flow_network_when_it_learns(
    small: RfbFlowConfig, difference: FlowNetwork
) -> None:
    network = RfbFlowNetwork(small.model, 4, difference)
    for learns in (False, True):
        offsets, logits = network({"frames": frames(small.model)}, learns)
        (offsets.square().sum() + logits.square().sum()).backward()
        assert (difference.share.grad is not None) == learns
        assert network.base[0].weight.grad is not None  # type: ignore[union-attr]


def test_a_still_camera_is_what_centred_flow_sees(small: RfbFlowConfig, difference: FlowNetwork) -> None:
    network = RfbFlowNetwork(small.model, 4, difference).eval()
    flow = torch.randn(2, 4, 48, 64)
    moved = flow + torch.tensor([5.0, -3.0, 4.0, 1.0]).view(4, 1, 1)
    torch.testing.assert_close(network.motion_image(flow), network.motion_image(moved))
    plain = RfbFlowNetwork(replace(small.model, flow_centred=False), 4, difference).eval()
    assert not torch.allclose(plain.motion_image(flow), plain.motion_image(moved))


def test_one_scale_has_the_finest_map_alone(small: RfbFlowConfig, difference: FlowNetwork) -> None:
    network = RfbFlowNetwork(replace(small.model, priors=small.model.priors[:1]), 4, difference)
    assert len(network.priors_P4) == 8 * 6 * 6
    assert len(network.maps(torch.zeros(2, 3, 48, 64))) == 1


def test_starting_weights_are_read(small: RfbFlowConfig, difference: FlowNetwork, tmp_path: Path) -> None:
    torch.manual_seed(0)
    donor = RfbFlowNetwork(small.model, 4, difference)
    initialise(donor)
    vgg, whole = tmp_path / "vgg.pth", tmp_path / "whole.pth"
    torch.save(donor.base.state_dict(), vgg)
    torch.save({f"module.{name}": t for name, t in donor.state_dict().items()}, whole)
    begun = RfbFlowNetwork(replace(small.model, pretrained=str(vgg)), 4, type(difference)())
    start(begun, None)
    assert torch.equal(begun.base[0].weight, donor.base[0].weight)  # type: ignore[arg-type]
    assert not torch.equal(begun.loc[0].weight, donor.loc[0].weight)  # type: ignore[arg-type]
    again = RfbFlowNetwork(replace(small.model, published=str(whole)), 4, type(difference)())
    start(again, None)
    assert all(torch.equal(t, donor.state_dict()[name]) for name, t in again.state_dict().items())
    other = RfbFlowNetwork(replace(small.model, published=str(whole), fusion="stfp"), 4, type(difference)())
    with pytest.raises(ValueError, match=r"whole\.pth does not fit.*--variant released"):
        start(other, None)
