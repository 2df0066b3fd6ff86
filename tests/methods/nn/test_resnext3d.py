"""3D ResNeXt, the non-local block and the persistence of appearance against layouts and reference outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import layout_of, parameters, published
from torch import Tensor, nn

from methods.nn.appearance import PersistenceOfAppearance
from methods.nn.non_local import NonLocal3d
from methods.nn.resnext3d import ResNeXt3D, ResNeXt3DConfig, squeeze_time

REFERENCE = Path(__file__).parents[2] / "reference"


def close(found: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(
        found.detach().numpy(), expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max())
    )


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (lambda: ResNeXt3D(ResNeXt3DConfig()), "resnext101_3d_trunk_yowo"),
        (lambda: ResNeXt3D(ResNeXt3DConfig(num_classes=400)), "mars_resnext101_rgb_kinetics400"),
        (lambda: ResNeXt3D(ResNeXt3DConfig(2, num_classes=400)), "mars_resnext101_flow_kinetics400"),
        (lambda: NonLocal3d(2048), "nonlocal3d_2048_sub_bn"),
        (lambda: PersistenceOfAppearance(), "pan_pa_module"),
    ],
)
def test_published_layouts(network: Callable[[], nn.Module], name: str) -> None:
    with torch.device("meta"):
        built = network()
    assert layout_of(built.state_dict()) == published(name)
    assert sum(p.numel() for p in built.parameters()) == parameters(name)


@pytest.mark.parity
def test_reference_output(
    shared: Path, fill: Callable[..., nn.Module], uniform: Callable[..., Tensor]
) -> None:
    network = ResNeXt3D(ResNeXt3DConfig(num_classes=400))
    fill(network)
    clip = uniform("mars", (1, 3, 16, 112, 112), -128, 128)
    with np.load(shared / "reference/mars_resnext101_rgb_recipe.npz") as stored, torch.no_grad():
        close(ResNeXt3D.pooled(network(clip)), stored["avgpool"])
        close(network.classify(clip), stored["logits"])


@pytest.mark.parametrize(("key", "subsample"), [("y_subsample", True), ("y_nosubsample", False)])
def test_non_local_reference(fill: Callable[..., nn.Module], key: str, subsample: bool) -> None:
    with np.load(REFERENCE / "non_local.npz") as stored:
        block = fill(NonLocal3d(64, subsample))
        close(block(torch.from_numpy(stored["x"])), stored[key])


def test_a_new_non_local_block_changes_nothing() -> None:
    x = torch.randn(2, 8, 2, 4, 4)
    assert torch.equal(NonLocal3d(8)(x), x)


def test_appearance_reference(fill: Callable[..., nn.Module]) -> None:
    with np.load(REFERENCE / "appearance.npz") as stored:
        module = fill(PersistenceOfAppearance())
        close(module(torch.from_numpy(stored["frames"])[None]), stored["pa"])


def test_equal_frames_have_no_motion_and_a_gradient() -> None:
    module = PersistenceOfAppearance()
    maps = module(torch.rand(1, 1, 3, 8, 8).expand(1, 4, 3, 8, 8))
    assert maps.shape == (1, 3, 8, 8)
    assert maps.max() < 1e-5
    maps.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


def test_shapes_at_the_defaults_and_narrow() -> None:
    with torch.device("meta"):
        network = ResNeXt3D(ResNeXt3DConfig())
        for frames, left in ((16, 1), (8, 1), (32, 2)):
            assert network(torch.empty(1, 3, frames, 224, 224)).shape == (1, 2048, left, 7, 7)
    narrow = ResNeXt3DConfig(
        width=1 / 16, groups=4, blocks=(1, 1, 1, 1), strides=((2, 2, 2), (2, 1, 1), (2, 1, 1))
    )
    found = ResNeXt3D(narrow)(torch.zeros(2, 3, 8, 48, 64))
    assert found.shape == (2, narrow.out_channels, 1, 6, 8)
    assert squeeze_time(found).shape == (2, 128, 6, 8)
    assert squeeze_time(torch.zeros(2, 128, 2, 6, 8)).shape == (2, 128, 6, 8)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 32 groups"):
        ResNeXt3DConfig(width=0.3)
    with pytest.raises(ValueError, match="no classes"):
        ResNeXt3D(ResNeXt3DConfig(width=1 / 16, groups=4, blocks=(1, 1, 1, 1))).classify(torch.zeros(1))
