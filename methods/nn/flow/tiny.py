"""A narrow flow network for a CPU: PWC-Net's scheme with two levels, few channels, no dense connections.

Ours. It is fitted to the known motion of rendered pictures (:mod:`methods.nn.flow.fitting`).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, cat, nn

from methods.nn.flow.flownet import conv, flow_head
from methods.nn.flow.matching import correlation, warped
from methods.nn.flow.network import FlowNetwork, centred, resized

NEAR, FAR = 2, 4
"""Pixels of its own map that the correlation covers at stride 2 and at stride 4."""


class TinyFlow(FlowNetwork):
    """Flow at stride 4, found within 16 pixels, and its correction at stride 2."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        self.level1 = nn.Sequential(conv(3, 16, stride=2), conv(16, 16))
        self.level2 = nn.Sequential(conv(16, 32, stride=2), conv(32, 32))
        self.coarse = _convs((2 * FAR + 1) ** 2 + 32, 48, 48, 32)
        self.fine = _convs((2 * NEAR + 1) ** 2 + 16 + 2 + 32, 32, 24)
        self.coarse_flow, self.fine_flow = flow_head(32), flow_head(24)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_normal_(module.weight, 0.1)
                nn.init.zeros_(module.bias)
        for head in (self.coarse_flow, self.fine_flow):
            nn.init.normal_(head.weight, std=0.01)

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return centred(first_N3HW, second_N3HW)

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        maps1 = self.level1(cat([first_N3HW, second_N3HW]))
        maps2 = self.level2(maps1)
        (first1, second1), (first2, second2) = maps1.chunk(2), maps2.chunk(2)
        features = self.coarse(cat([_matched(first2, second2, FAR), first2], 1))
        coarse = self.coarse_flow(features)
        height, width = first1.shape[2:]
        up = 2 * resized(coarse, (height, width))
        matched = _matched(first1, warped(second1, up), NEAR)
        seen = cat([matched, first1, up, resized(features, (height, width))], 1)
        return [2 * (up + self.fine_flow(self.fine(seen))), 4 * coarse]


def _matched(first_NCHW: Tensor, second_NCHW: Tensor, reach: int) -> Tensor:
    """The cosine of the angle between the features of two places: no picture is too dim for it."""
    return first_NCHW.shape[1] * correlation(_normalised(first_NCHW), _normalised(second_NCHW), reach)


def _normalised(map_NCHW: Tensor) -> Tensor:
    """Features of length 1; as ``F.normalize``, which takes twenty times as long on a CPU."""
    return map_NCHW * map_NCHW.square().sum(dim=1, keepdim=True).clamp(min=1e-24).rsqrt()


def _convs(*channels: int) -> nn.Sequential:
    return nn.Sequential(*(conv(*neighbours) for neighbours in pairwise(channels)))
