"""A flow network that counts its pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from methods.nn.flow.network import FlowNetwork


class Difference(FlowNetwork):
    """Flow that is a learned share of how much brighter the second picture is; ``pairs`` counts."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(0.1))
        self.pairs = 0

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return first_N3HW, second_N3HW

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        self.pairs += len(first_N3HW)
        return [self.share * (second_N3HW - first_N3HW)[:, :2]]
