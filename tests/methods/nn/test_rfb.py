"""RFB Net: published layouts, cost and outputs; its prior boxes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import layout_of, parameters, published
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from methods.nn.priors import RFB_300, PriorLevel, priors, rfb_map_sizes
from methods.nn.rfb import Flavour, RfbConfig, RfbDetector, RfbTrunk
from methods.nn.vgg import ReducedVgg16

COST = {"rfb": 72_617_186_304, "rfb-e": 73_358_431_232}
"""Operations of the published networks on a picture of 300x300 with 25 outputs."""


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ReducedVgg16(), "vgg16_reducedfc"),
        (lambda: RfbDetector(RfbConfig(), 25), "rfb300_vgg_25cls"),
        (lambda: RfbDetector(RfbConfig("rfb-e"), 25), "rfb300_E_vgg_25cls"),
    ],
)
def test_published_layouts(make: Callable[[], nn.Module], name: str) -> None:
    with torch.device("meta"):
        network = make()
    assert layout_of(network.state_dict()) == published(name)
    assert sum(p.numel() for p in network.parameters()) == parameters(name)


@pytest.mark.parametrize("flavour", ["rfb", "rfb-e"])
def test_the_published_cost(flavour: Flavour) -> None:
    with torch.device("meta"):
        network = RfbDetector(RfbConfig(flavour), 25)
        with FlopCounterMode(display=False) as counter:
            offsets, logits = network.eval().detect(torch.empty(1, 3, 300, 300))
    assert counter.get_total_flops() == COST[flavour]
    assert offsets.shape == (1, 11_620, 4)
    assert logits.shape == (1, 11_620, 25)


@pytest.mark.parity
def test_reference_output(
    shared: Path, fill: Callable[..., nn.Module], uniform: Callable[..., Tensor]
) -> None:
    network = RfbDetector(RfbConfig(), 25)
    fill(network)
    picture = uniform("rfb300", (1, 3, 300, 300), -128, 128)
    with np.load(shared / "reference/rfb300_vgg_25cls_recipe.npz") as stored, torch.no_grad():
        maps = network.maps(picture)
        offsets, logits = network.heads(maps, maps)
        for level, features in enumerate(maps):
            found = [features.mean(), features.std(), features.abs().max()]
            np.testing.assert_allclose(found, stored[f"source{level}_mean_std_absmax"], rtol=1e-3)
        for name, value in (("loc", offsets), ("conf", logits)):
            expected = stored[name]
            atol = 1e-4 * float(np.abs(expected).max())
            np.testing.assert_allclose(value.numpy(), expected, rtol=1e-3, atol=atol)


@pytest.mark.parity
def test_reference_priors(shared: Path) -> None:
    with np.load(shared / "reference/priors_rfb300_voc.npz") as stored:
        found = priors(RFB_300, (300, 300), rfb_map_sizes((300, 300), 6))
        np.testing.assert_allclose(found, stored["priors"], atol=1e-6)


def test_priors_of_a_cell() -> None:
    found = priors([PriorLevel(40, 20, 45, (4.0,))], (100, 80), [(3, 2)])
    assert found.shape == (3 * 2 * 4, 4)
    cell = found.reshape(2, 3, 4, 4)[1, 1] * [100, 80, 100, 80]  # second row, second column
    np.testing.assert_allclose(cell[:, :2], [[60, 60]] * 4, rtol=1e-6)
    np.testing.assert_allclose(cell[:, 2:], [[20, 20], [30, 30], [40, 10], [10, 40]], rtol=1e-6)
    assert found.max() <= 1


@pytest.mark.parametrize("frame_size", [(300, 300), (320, 240), (230, 301)])
@pytest.mark.parametrize("flavour", ["rfb", "rfb-e"])
def test_map_sizes_are_those_of_the_network(flavour: Flavour, frame_size: tuple[int, int]) -> None:
    with torch.device("meta"):
        width, height = frame_size
        maps = RfbTrunk(RfbConfig(flavour, 0.125, levels=5)).maps(torch.empty(2, 3, height, width))
    assert [(m.shape[3], m.shape[2]) for m in maps] == rfb_map_sizes(frame_size, 5)
    assert tuple(m.shape[1] for m in maps) == RfbConfig(width=0.125, levels=5).channels


def test_too_small_a_frame_is_refused() -> None:
    assert rfb_map_sizes((128, 96), 4) == [(16, 12), (8, 6), (4, 3), (2, 2)]
    with pytest.raises(ValueError, match="128x96 has no 5 maps"):
        rfb_map_sizes((128, 96), 5)


def test_normalisation_is_added_to_vgg_alone() -> None:
    plain, normalised = (RfbTrunk(RfbConfig(width=0.125, normalised=n)) for n in (False, True))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in plain.base)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in normalised.base) == 15
    assert set(plain.Norm.state_dict()) == set(normalised.Norm.state_dict())
