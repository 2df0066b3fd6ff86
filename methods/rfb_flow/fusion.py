"""How the maps of both streams become one (section 3.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Combination = Literal["concat", "sum", "average"]
Maps = list[Tensor]


class ElementWise(nn.ModuleList):
    """Equation 5 and 6: maps of one level concatenated, added or averaged, then a 1x1 convolution."""

    def __init__(self, channels: Sequence[int], combination: Combination) -> None:
        wide = 2 if combination == "concat" else 1
        super().__init__(nn.Conv2d(wide * c, c, 1) for c in channels)
        self.combination = combination

    def forward(self, appearance: Maps, motion: Maps) -> Maps:
        return [layer(self._combined(*pair)) for layer, *pair in zip(self, appearance, motion)]

    def _combined(self, appearance_BCHW: Tensor, motion_BCHW: Tensor) -> Tensor:
        if self.combination == "concat":
            return torch.cat([appearance_BCHW, motion_BCHW], dim=1)
        both = appearance_BCHW + motion_BCHW
        return both / 2 if self.combination == "average" else both


class TopDown(nn.ModuleList):
    """STFP, equation 7: both maps of a level and the fused coarser one, enlarged, are added.

    Enlarging repeats pixels, as in FPN, to the size of the finer map, which is not always twice as large;
    a 1x1 convolution gives it that map's channels.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(channels))

    def forward(self, appearance: Maps, motion: Maps) -> Maps:
        found = [a + m for a, m in zip(appearance, motion)]
        for level in range(len(self) - 1, -1, -1):
            up = F.interpolate(found[level + 1], found[level].shape[2:], mode="nearest")
            found[level] = found[level] + self[level](up)
        return found
