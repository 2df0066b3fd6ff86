"""FlowNet 2.0 and its stacks (Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep
Networks", CVPR 2017) with the layers of NVIDIA's PyTorch weights.

Each network of a stack sees both pictures, the second one warped by the flow so far, that flow and the
brightness error. Upsampling is bilinear with corners not aligned, PyTorch's from 0.4 on; the last network of
CSS and the one for small displacements are enlarged by repetition, as the weights were trained.
"""

from __future__ import annotations

from torch import Tensor, cat, nn
from torch.linalg import vector_norm
from torch.nn import functional as F

from methods.nn.flow.flownet import (
    FLOW_SCALE,
    FlowNetC,
    FlowNetS,
    FlowNetSD,
    conv,
    deconv,
    doubling,
    flow_head,
)
from methods.nn.flow.matching import warped
from methods.nn.flow.network import FlowNetwork, centred

STACKED = 12
"""Input channels of a stacked network."""
FUSED = 11
"""Input channels of the fusion."""


def length(map_NCHW: Tensor) -> Tensor:
    """Euclidean norm over the channels, (N, 1, H, W)."""
    return vector_norm(map_NCHW, dim=1, keepdim=True)


def enlarged(flow_N2HW: Tensor, mode: str) -> Tensor:
    """Flow at four times the size, ``bilinear`` or ``nearest``; values stay as they are."""
    return F.interpolate(flow_N2HW, scale_factor=4, mode=mode)


class FlowNet2CS(FlowNetwork):
    """FlowNetC, then FlowNetS."""

    def __init__(self) -> None:
        super().__init__()
        self.flownetc = FlowNetC()
        self.flownets_1 = FlowNetS(STACKED)

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return centred(first_N3HW, second_N3HW)

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        return [FLOW_SCALE * flow for flow in self.stacked(first_N3HW, second_N3HW)]

    def stacked(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        """What the last network of the stack says, at strides 4 to 64, in units of 20 pixels."""
        raw = self.flownetc.raw(cat([first_N3HW, second_N3HW], 1))
        return self.flownets_1.raw(_told(first_N3HW, second_N3HW, raw[0]))


class FlowNet2CSS(FlowNet2CS):
    """FlowNetC, then FlowNetS twice."""

    def __init__(self) -> None:
        super().__init__()
        self.flownets_2 = FlowNetS(STACKED)

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        flows = super().estimates(first_N3HW, second_N3HW)
        return [enlarged(flows[0], "nearest"), *flows[1:]]

    def stacked(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        raw = super().stacked(first_N3HW, second_N3HW)
        return self.flownets_2.raw(_told(first_N3HW, second_N3HW, raw[0]))


class FlowNet2(FlowNet2CSS):
    """CSS and FlowNetSD side by side, fused at the size of the pictures; its coarser flow is CSS's.

    The network for small displacements speaks in units of a twentieth of a pixel here and, alone, of twenty
    pixels: both are meant so by the authors of the weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flownets_d = FlowNetSD()
        self.flownetfusion = Fusion()

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        large = super().estimates(first_N3HW, second_N3HW)
        raw = self.flownets_d.raw(cat([first_N3HW, second_N3HW], 1))
        flows = [enlarged(raw[0], "nearest") / FLOW_SCALE, large[0]]
        errors = [length(first_N3HW - warped(second_N3HW, flow)) for flow in flows]
        fused = self.flownetfusion(cat([first_N3HW, *flows, *map(length, flows), *errors], 1))
        return [fused, *large[1:]]


class Fusion(nn.Module):
    """Input (N, 11, H, W): first picture, small flow, large flow, their lengths, their brightness errors."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = conv(FUSED, 64)
        self.conv1, self.conv1_1 = conv(64, 64, stride=2), conv(64, 128)
        self.conv2, self.conv2_1 = conv(128, 128, stride=2), conv(128, 128)
        self.deconv1, self.deconv0 = deconv(128, 32), deconv(162, 16)
        self.inter_conv1 = nn.Sequential(nn.Conv2d(162, 32, 3, padding=1))
        self.inter_conv0 = nn.Sequential(nn.Conv2d(82, 16, 3, padding=1))
        self.predict_flow2, self.predict_flow1, self.predict_flow0 = map(flow_head, (128, 32, 16))
        self.upsampled_flow2_to_1, self.upsampled_flow1_to_0 = doubling(2, 2), doubling(2, 2)

    def forward(self, input_NCHW: Tensor) -> Tensor:
        """flow_N2HW in pixels."""
        level0 = self.conv0(input_NCHW)
        level1 = self.conv1_1(self.conv1(level0))
        level2 = self.conv2_1(self.conv2(level1))
        up = self.upsampled_flow2_to_1(self.predict_flow2(level2))
        joined = cat([level1, self.deconv1(level2), up], 1)
        up = self.upsampled_flow1_to_0(self.predict_flow1(self.inter_conv1(joined)))
        joined = cat([level0, self.deconv0(joined), up], 1)
        return self.predict_flow0(self.inter_conv0(joined))


def _told(first_N3HW: Tensor, second_N3HW: Tensor, raw_N2HW: Tensor) -> Tensor:
    """The input of a stacked network, (N, 12, H, W). Flow: the flow so far at stride 4, in units of 20 px."""
    flow = enlarged(FLOW_SCALE * raw_N2HW, "bilinear")
    guess = warped(second_N3HW, flow)
    return cat([first_N3HW, second_N3HW, guess, flow / FLOW_SCALE, length(first_N3HW - guess)], 1)
