"""FlowNet 2 and PWC-Net: the published layouts, the reference outputs, and what every flow network keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import layout_of, parameters, published
from torch import Tensor, nn
from torch.nn import functional as F

from methods.nn.flow.flownet import FlowNetC, FlowNetS
from methods.nn.flow.flownet2 import FlowNet2, FlowNet2CS
from methods.nn.flow.named import NETWORKS, build, load_published
from methods.nn.flow.network import FlowNetwork
from methods.nn.flow.pwc import PwcNet

LAYOUTS = {
    "flownet2": "flownet2_nvidia",
    "flownet2-css": "flownet2css_nvidia",
    "flownet2-cs": "flownet2cs_nvidia",
    "flownet2-sd": "flownet2sd_nvidia",
    "flownet2-s": "flownet2s_nvidia",
    "flownet2-c": "flownet2c_nvidia",
    "pwc-net": "pwc_dc_net_nvlabs",
    "pwc-net-old": "pwc_dc_net_old_nvlabs",
}
Fill = Callable[..., nn.Module]


def on_meta(name: str) -> FlowNetwork:
    with torch.device("meta"):
        return build(name)


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts(name: str) -> None:
    network = on_meta(name)
    assert layout_of(network.state_dict()) == published(LAYOUTS[name])
    assert sum(p.numel() for p in network.parameters()) == parameters(LAYOUTS[name])


def test_every_name_is_built_and_near_ones_are_told() -> None:
    assert set(NETWORKS) == {*LAYOUTS, "tiny"}
    with pytest.raises(ValueError, match="unknown flow network 'flownet3'; did you mean flownet2"):
        build("flownet3")


def recipe(fill: Fill, network: FlowNetwork, gain: float) -> FlowNetwork:
    """The network with the references' numbers: kernels times ``gain``, transposed ones drawn wider."""
    fill(network)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose2d):
                module.weight *= gain * (4 * module.weight[0].numel() / module.weight[:, 0].numel()) ** 0.5
            elif isinstance(module, nn.Conv2d):
                module.weight *= gain
    return network


def close(found: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "kind"),
    [("flownet2", FlowNet2), ("flownet2c", FlowNetC), ("flownet2s", FlowNetS), ("flownet2cs", FlowNet2CS)],
)
def test_flownet2_of_the_reference(
    shared: Path, fill: Fill, name: str, kind: Callable[[], FlowNetwork]
) -> None:
    with np.load(shared / "reference/flownet2_recipe_gain0.7_320.npz") as stored:
        first, second = torch.from_numpy(stored["input_rgb_b_c_t_h_w"]).float().unbind(2)
    network = recipe(fill, kind(), 0.7)
    with torch.no_grad(), np.load(shared / f"reference/{name}_recipe_gain0.7_320.npz") as stored:
        close(network(first, second), stored["flow"])


@pytest.mark.parity
def test_pwc_net_of_the_reference(shared: Path, fill: Fill) -> None:
    network = recipe(fill, PwcNet(), 0.8)
    with torch.no_grad(), np.load(shared / "reference/pwc_dc_net_recipe_gain0.8_320.npz") as stored:
        pair = torch.from_numpy(stored["input_bgr01"])
        for level, flow in enumerate(network.raw(*pair.split(3, 1)), 2):
            close(flow, stored[f"flow{level}"])
        rgb = [255 * picture.flip(1) for picture in pair.split(3, 1)]
        close(network.pyramid(*rgb)[0], 20 * stored["flow2"])


@pytest.mark.parity
@pytest.mark.skipif("BENCH_PWC_NET_WEIGHTS" not in os.environ, reason="no weights of PWC-Net")
def test_pwc_net_with_its_own_weights(shared: Path) -> None:
    """The result that the authors publish for a frame of Sintel, from the frames and the weights."""
    network = build("pwc-net").eval()
    load_published(network, os.environ["BENCH_PWC_NET_WEIGHTS"])
    with np.load(shared / "reference/pwc_official_reference_frame_0010.npz") as stored:
        frames = [stored[f"frame_00{n}_bgr"][:, :, ::-1].transpose(2, 0, 1).copy() for n in (10, 11)]
        expected = stored["flow_pytorch"]
    with torch.no_grad():
        flow = network(*(torch.from_numpy(frame)[None].float() for frame in frames))
    off = np.linalg.norm(flow[0].permute(1, 2, 0).numpy() - expected, axis=-1)
    assert off.mean() < 0.02


class Known(FlowNetwork):
    """Estimates a known flow, in pixels of the pictures that it is given, at a quarter of their size."""

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return first_N3HW, second_N3HW

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        self.seen = first_N3HW.shape[2:]
        quarter = first_N3HW.new_ones(1, 1, *(side // 4 for side in self.seen))
        return [torch.cat([0.1 * self.seen[1] * quarter, -0.05 * self.seen[0] * quarter], 1)]


@pytest.mark.parametrize(("height", "width"), [(64, 128), (96, 130), (50, 30)])
def test_flow_is_in_pixels_of_the_pictures_given(height: int, width: int) -> None:
    network, pictures = Known(), torch.zeros(2, 1, 3, height, width)
    flow = network(*pictures)
    assert flow.shape == (1, 2, height, width)
    torch.testing.assert_close(flow[0, 0], torch.full((height, width), 0.1 * width))
    torch.testing.assert_close(flow[0, 1], torch.full((height, width), -0.05 * height))
    assert tuple(network.seen) == tuple(64 * -(-side // 64) for side in (height, width))


def test_pictures_that_are_no_pair_are_refused() -> None:
    rgb = torch.zeros(1, 3, 64, 64)
    for pair in ((rgb, rgb[:, :2]), (rgb[:, :1], rgb[:, :1]), (rgb, rgb[:, :, :32]), (rgb[0], rgb[0])):
        with pytest.raises(ValueError, match=r"two batches of RGB pictures \(N, 3, H, W\) of one shape, not"):
            Known()(*pair)


@pytest.mark.parametrize("name", ["flownet2-c", "pwc-net-old", "tiny"])
def test_gradients_reach_weights_and_pictures(name: str) -> None:
    torch.manual_seed(0)
    network = build(name).train()
    first, second = (255 * torch.rand(1, 3, 64, 64)).requires_grad_(), 255 * torch.rand(1, 3, 64, 64)
    flow = network(first, second)
    flow.square().sum().backward()
    assert torch.isfinite(first.grad).all()
    assert first.grad.abs().max() > 0
    unused = {key for key, value in network.named_parameters() if value.grad is None}
    assert unused == ({"deconv2.weight", "deconv2.bias"} if name == "pwc-net-old" else set())
    torch.testing.assert_close(network.eval()(first, second), flow)


@pytest.mark.parametrize("name", ["flownet2-s", "pwc-net", "tiny"])
def test_brightness_does_not_matter_where_the_mean_is_taken_off(name: str) -> None:
    torch.manual_seed(1)
    network = build(name).eval()
    first, second = 200 * torch.rand(2, 1, 3, 64, 64)
    with torch.no_grad():
        same = torch.allclose(network(first, second), network(first + 30, second + 30), atol=1e-4)
    assert same == (name != "pwc-net")


def test_scales_are_in_one_unit() -> None:
    """Constant flow read off every level means the same everywhere: pixels of the pictures."""
    network = build("pwc-net-old").eval()
    with torch.no_grad():
        for key, value in network.named_parameters():
            value.fill_(0.1 if key.startswith("predict_flow") and key.endswith("bias") else 0)
        flows = network.pyramid(*torch.rand(2, 1, 3, 64, 128))
    assert [tuple(flow.shape[2:]) for flow in flows] == [(16 >> n, 32 >> n) for n in range(5)]
    assert all(torch.allclose(flow, torch.tensor(2.0)) for flow in flows)


def test_a_checkpoint_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    torch.manual_seed(2)
    network, other = build("pwc-net-old"), build("pwc-net-old")
    torch.save({"epoch": 3, "state_dict": network.state_dict(), "best_EPE": 2.0}, tmp_path / "whole.pth.tar")
    load_published(other, tmp_path / "whole.pth.tar")
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in network.state_dict().items())
    state = network.state_dict()
    del state["conv3b.0.bias"]
    torch.save(state | {"conv7a.0.bias": torch.zeros(2)}, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"missing 1 \(conv3b.0.bias\); unexpected 1 \(conv7a.0.bias\)"):
        load_published(build("pwc-net-old"), tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"does not fit: missing 12 \(conv1aa.0.weight"):
        load_published(build("pwc-net"), tmp_path / "whole.pth.tar")
    with pytest.raises(FileNotFoundError):
        load_published(other, tmp_path / "none.pth")


def test_the_mean_colour_is_that_of_both_pictures_of_a_pair() -> None:
    first, second = 255 * torch.rand(2, 3, 3, 8, 8)
    one, two = build("flownet2-s").normalised(first, second)
    assert torch.allclose(F.adaptive_avg_pool2d(one + two, 1), torch.zeros(1), atol=1e-6)
    assert (one - two).sub((first - second) / 255).abs().max() < 1e-6
