from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from methods.nn.batch_norm import freeze_batch_norm
from methods.nn.i3d import ENDPOINTS, I3D, I3DConfig, Unit3D
from methods.nn.same import same_conv3d, same_max_pool3d, same_padding

REFERENCE = Path(__file__).parents[2] / "reference"
TINY = I3DConfig(
    in_channels=2, num_classes=None, width=1 / 8, stem_kernel=(3, 7, 7), last_endpoint="Mixed_4f"
)


def on_meta(config: I3DConfig) -> I3D:
    with torch.device("meta"):
        return I3D(config).eval()


def close(actual: torch.Tensor, expected: np.ndarray, rtol: float = 1e-3, atol: float = 1e-4) -> None:
    np.testing.assert_allclose(
        actual.detach().numpy(), expected, rtol=rtol, atol=atol * float(np.abs(expected).max())
    )


@pytest.mark.parametrize(("stream", "channels", "count"), [("rgb", 3, 12_697_264), ("flow", 2, 12_675_312)])
def test_state_dict_is_the_published_one(stream: str, channels: int, count: int) -> None:
    layout = json.loads((REFERENCE / "i3d_layouts.json").read_text())["pytorch"]
    layout["Conv3d_1a_7x7.conv3d.weight"][1] = channels
    network = on_meta(I3DConfig(in_channels=channels))
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == layout, stream
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_stored_layout_is_the_inventory(shared: Path, stream: str) -> None:
    inventory = json.loads((shared / f"inventory/i3d_piergiaj_{stream}_400.json").read_text())
    layout = json.loads((REFERENCE / "i3d_layouts.json").read_text())["pytorch"]
    layout["Conv3d_1a_7x7.conv3d.weight"][1] = 3 if stream == "rgb" else 2
    assert inventory["keys"] == layout


def test_trunk_without_logits() -> None:
    assert sum(p.numel() for p in on_meta(I3DConfig(num_classes=None)).parameters()) == 12_287_264


def test_endpoint_shapes(shared: Path) -> None:
    network = on_meta(I3DConfig(num_classes=None))
    sizes = json.loads((shared / "inventory/i3d_endpoint_shapes.json").read_text())
    assert len(sizes) == 9
    for size, expected in sizes.items():
        clip = torch.empty(1, 3, *(int(n) for n in size.split("x")), device="meta")
        maps = network.forward_endpoints(clip, ENDPOINTS)
        assert {name: list(x.shape) for name, x in maps.items()} == expected, size


def test_reference_implementation(shared: Path, fill, uniform) -> None:
    reference = np.load(shared / "reference/i3d_piergiaj_rgb_recipe_16x224.npz")
    network = fill(I3D(I3DConfig()))
    names = [name.removesuffix("_stats") for name in reference.files if name.endswith("_stats")]
    assert len(names) == 5
    with torch.no_grad():
        maps = network.forward_endpoints(uniform("i3d_ref", (1, 3, 16, 224, 224), -1, 1), names)
        logits = network.logits(maps["Mixed_5c"])
    for name in names:
        stats = torch.stack([maps[name].mean(), maps[name].std(), maps[name].max()])
        close(stats, reference[f"{name}_stats"])
    close(maps["Mixed_5c"], reference["Mixed_5c"])
    close(logits, reference["logits"])
    assert logits.shape == (1, 400, 1)


def test_odd_clip(fill, uniform) -> None:
    """Odd sizes; stored from this implementation after it agreed with the reference implementation."""
    reference = np.load(REFERENCE / "i3d_odd_clip.npz")
    network = fill(I3D(I3DConfig()))
    clip = uniform("i3d_odd", (1, 3, 9, 45, 37), -1, 1)
    with torch.no_grad():
        maps = network.forward_endpoints(clip, ENDPOINTS)
        close(network(clip), reference["logits"])
    for name in ENDPOINTS:
        stats = torch.stack([maps[name].mean(), maps[name].std(), maps[name].max()])
        close(stats, reference[name])


@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 2))
def test_same_padding(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert 0 <= after - before <= 1
    if kernel >= stride:
        assert (size + before + after - kernel) // stride + 1 == -(-size // stride)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4), (5, 6, 7), (8, 9, 10)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (2, 2), (7, 2)])
def test_same_operations_equal_explicit_zeros(shape: tuple[int, ...], kernel: int, stride: int) -> None:
    x = torch.rand(2, 4, *shape)
    edges = [pad for n in reversed(shape) for pad in same_padding(n, kernel, stride)]
    weight = torch.randn(5, 4, kernel, kernel, kernel)
    expected = F.conv3d(F.pad(x, edges), weight, stride=stride)
    torch.testing.assert_close(same_conv3d(x, weight, None, (stride,) * 3), expected, rtol=1e-4, atol=1e-4)
    if kernel < 7:
        expected = F.max_pool3d(F.pad(x, edges), kernel, stride)
        assert torch.equal(same_max_pool3d(x, (kernel,) * 3, (stride,) * 3), expected)


def plain_conv3d(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: tuple[int, int, int]
) -> torch.Tensor:
    pads = [same_padding(*axis) for axis in zip(x.shape[2:], weight.shape[2:], stride, strict=True)]
    padded = F.pad(x.contiguous(), [pad for pair in reversed(pads) for pad in pair])
    return F.conv3d(padded, weight, bias, stride).contiguous()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_layout_in_memory_does_not_change_the_result(
    training: bool, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    network, clip = I3D(TINY).train(training), torch.randn(batch, 2, 7, 40, 56)
    twin = copy.deepcopy(network)
    fast = network.forward_endpoints(clip, ["Mixed_4f"])["Mixed_4f"]
    assert fast.is_contiguous(memory_format=torch.channels_last_3d)
    monkeypatch.setattr("methods.nn.i3d.same_conv3d", plain_conv3d)
    plain = twin.forward_endpoints(clip, ["Mixed_4f"])["Mixed_4f"]
    # Normalised by statistics of the batch, differences of rounding grow from layer to layer.
    assert (fast - plain).abs().max() <= (1e-4 if training else 1e-5) * plain.abs().max()
    for result in (fast, plain):
        (result * torch.linspace(-1, 1, result.numel()).view_as(result)).sum().backward()
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert (ours.grad - theirs.grad).norm() <= (1e-3 if training else 1e-5) * theirs.grad.norm()


def test_fixed_statistics_are_folded_exactly() -> None:
    torch.manual_seed(2)
    unit, x = Unit3D(6, 8, (3, 3, 3)).eval(), torch.randn(2, 6, 4, 5, 6)
    unit.bn.running_mean.normal_()
    unit.bn.running_var.uniform_(0.5, 2)
    expected = F.relu(unit.bn(F.conv3d(x, unit.conv3d.weight, padding=1)))
    torch.testing.assert_close(unit(x), expected, rtol=1e-5, atol=1e-5)


def test_training_updates_statistics_with_momentum_of_one_hundredth() -> None:
    torch.manual_seed(3)
    unit, x = Unit3D(3, 4), torch.randn(2, 3, 4, 5, 6)
    unit(x)
    mean = F.conv3d(x, unit.conv3d.weight).mean((0, 2, 3, 4))
    torch.testing.assert_close(unit.bn.running_mean, 0.01 * mean)
    assert unit.bn.eps == 1e-3


@pytest.mark.parametrize("affine", [False, True])
def test_frozen_batch_norm_survives_train(affine: bool) -> None:
    torch.manual_seed(4)
    network = I3D(TINY)
    freeze_batch_norm(network, affine)
    before = {key: value.clone() for key, value in network.state_dict().items() if "running" in key}
    clip = torch.randn(1, 2, 4, 32, 32)
    expected = network.eval().forward_endpoints(clip, ["Mixed_3c"])["Mixed_3c"]
    trained = copy.deepcopy(network).train().forward_endpoints(clip, ["Mixed_3c"])["Mixed_3c"]
    assert torch.equal(trained, expected)
    network.train().forward_endpoints(clip, ["Mixed_3c"])["Mixed_3c"].sum().backward()
    assert all(torch.equal(network.state_dict()[key], value) for key, value in before.items())
    assert (network.Conv3d_2c_3x3.bn.weight.grad is None) == affine
    assert network.Conv3d_2c_3x3.conv3d.weight.grad is not None
    with pytest.raises(ValueError, match="no BatchNorm3d"):
        freeze_batch_norm(torch.nn.Linear(2, 2))


@pytest.mark.parametrize("width", [1.0, 0.25, 0.125, 0.01])
def test_width_and_config_channels(width: float) -> None:
    config = I3DConfig(num_classes=None, width=width)
    maps = on_meta(config).forward_endpoints(torch.empty(1, 3, 8, 32, 32, device="meta"), ENDPOINTS)
    for name, x in maps.items():
        assert x.shape[1] == config.channels(name)
        assert x.shape[1] % 4 == 0
    if width == 0.25:
        assert [config.channels(n) for n in ("Conv3d_2c_3x3", "Mixed_3c", "Mixed_4f")] == [48, 120, 208]


def test_nothing_after_the_last_requested_endpoint_is_computed() -> None:
    network = I3D(TINY)
    network.Mixed_3b.register_forward_hook(lambda *_: pytest.fail("computed"))
    assert set(network.forward_endpoints(torch.randn(1, 2, 4, 32, 32), ["Conv3d_2c_3x3"])) == {
        "Conv3d_2c_3x3"
    }


def test_errors() -> None:
    network = I3D(TINY)
    clip = torch.randn(1, 2, 4, 32, 32)
    with pytest.raises(ValueError, match="no endpoint Mixed_5c"):
        network.forward_endpoints(clip, ["Mixed_5c"])
    with pytest.raises(ValueError, match=r"must be \(B, 2, T, H, W\)"):
        network.forward_endpoints(clip[:, :1], ["Mixed_3c"])
    with pytest.raises(ValueError, match="no logits layer"):
        network(clip)
    with pytest.raises(ValueError, match="logits need the whole network"):
        I3DConfig(last_endpoint="Mixed_4f")
    with pytest.raises(ValueError, match="is none of"):
        I3DConfig(num_classes=None, last_endpoint="Mixed3d")
    with pytest.raises(ValueError, match="positive"):
        I3DConfig(width=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu() -> None:
    torch.manual_seed(5)
    network, clip = I3D(TINY).eval(), torch.randn(1, 2, 8, 48, 64)
    expected = network.forward_endpoints(clip, ["Mixed_4f"])["Mixed_4f"]
    actual = network.cuda().forward_endpoints(clip.cuda(), ["Mixed_4f"])["Mixed_4f"].cpu()
    close(actual, expected.detach().numpy(), 1e-2, 1e-2)
