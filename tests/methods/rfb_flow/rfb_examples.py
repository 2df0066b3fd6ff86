"""An RFB-Flow small enough for unit tests, and a flow network that counts its pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from methods.nn.flow.network import FlowNetwork
from methods.nn.priors import PriorLevel
from methods.rfb_flow.config import RfbFlowConfig, base

LEVELS = (PriorLevel(8, 16, 24), PriorLevel(16, 24, 36), PriorLevel(32, 36, 48))


def small_config(**model: Any) -> RfbFlowConfig:
    """The tiny config at 64x48, narrower still."""
    tiny = base("ucf24-mini", "tiny")
    narrow = {"frame_size": (64, 48), "flow_size": (64, 48), "width": 0.0625, "priors": LEVELS}
    return replace(
        tiny,
        model=replace(tiny.model, **narrow | model),  # type: ignore[arg-type]
        training=replace(tiny.training, steps=3, batch=2),
        fitting=replace(tiny.fitting, steps=2, batch=2, crop=32),
        boxes_per_class=8,
        score_floor=0.0,
    )


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
