"""The recurrent localization network of Cheron et al. 2018, sections 3.2 and 3.4: streams and fusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.nn.recurrent import GRU, LSTM, Dense, TorchGRU, TorchLSTM, Unit
from methods.reclnet.recurrent_config import Cell, FusionKind, RecurrentConfig

UNITS: Mapping[Cell, Callable[[int, int], Unit]] = {
    "gru": GRU,
    "torch-gru": TorchGRU,
    "lstm": LSTM,
    "torch-lstm": TorchLSTM,
    "fc": Dense,
}


class Output(NamedTuple):
    """What a network says of a stretch of B sequences.

    logits_TBC: before the softmax, C = classes + 1, background first. units_TBU: both units' outputs side by
    side, of a fused network both streams'. state_BS: to go on from.
    """

    logits_TBC: Tensor
    units_TBU: Tensor
    state_BS: Tensor


class StreamNetwork(nn.Module):
    """One stream: a fully connected layer, two stacked units, a classifier of both units' outputs."""

    def __init__(self, config: RecurrentConfig, features: int, classes: int):
        super().__init__()
        self.relu = config.relu
        self.fc = nn.Linear(features, config.hidden)
        make, (first, second) = UNITS[config.cell], config.units
        self.r1 = make(config.hidden, first)
        self.r2 = make(first, second)
        self.out = nn.Linear(first + second, classes + 1)
        self._states = [self.r1.state_size, self.r2.state_size]

    @property
    def state_size(self) -> int:
        """Numbers of a sequence's state."""
        return sum(self._states)

    @property
    def classes(self) -> int:
        """Classes beside background."""
        return self.out.out_features - 1

    def forward(self, features_TBD: Tensor, state_BS: Tensor) -> Output:
        """A stretch of T steps of B sequences, from the state before it; zeros at a sequence's beginning."""
        hidden_TBH = self.fc(features_TBD)
        if self.relu:
            hidden_TBH = F.relu(hidden_TBH)
        first_BS, second_BS = state_BS.split(self._states, dim=1)
        one_TBM, first_BS = self.r1(hidden_TBH, first_BS)
        two_TBM, second_BS = self.r2(one_TBM, second_BS)
        units_TBU = torch.cat([one_TBM, two_TBM], dim=2)
        return Output(self.out(units_TBU), units_TBU, torch.cat([first_BS, second_BS], dim=1))


class GatingLayer(nn.Module):
    """Both streams' outputs before the softmax, weighted by stream and class, and added.

    The weights begin at one half, the mean of both; the paper does not say.
    """

    def __init__(self, classes: int):
        super().__init__()
        self.weight_2C = nn.Parameter(torch.full((2, classes + 1), 0.5))

    def forward(self, rgb: Output, flow: Output) -> Tensor:
        """logits_TBC."""
        return self.weight_2C[0] * rgb.logits_TBC + self.weight_2C[1] * flow.logits_TBC


class FusionLayer(nn.Linear):
    """A classifier of the units' outputs of both streams."""

    def __init__(self, config: RecurrentConfig, classes: int):
        super().__init__(2 * sum(config.units), classes + 1)

    def forward(self, rgb: Output, flow: Output) -> Tensor:  # type: ignore[override]
        """logits_TBC."""
        return super().forward(torch.cat([rgb.units_TBU, flow.units_TBU], dim=2))


class FusedNetwork(nn.Module):
    """Both streams, trained before and fixed, and the layer that fuses them (section 3.2)."""

    def __init__(self, rgb: StreamNetwork, flow: StreamNetwork, config: RecurrentConfig, kind: FusionKind):
        super().__init__()
        self.rgb, self.flow = rgb.requires_grad_(False), flow.requires_grad_(False)
        self.fusion = GatingLayer(rgb.classes) if kind == "gating" else FusionLayer(config, rgb.classes)

    @property
    def state_size(self) -> int:
        """Numbers of a sequence's state, of both streams."""
        return self.rgb.state_size + self.flow.state_size

    @property
    def classes(self) -> int:
        """Classes beside background."""
        return self.rgb.classes

    def forward(self, rgb_TBD: Tensor, flow_TBD: Tensor, state_BS: Tensor) -> Output:
        """As of :class:`StreamNetwork`, of the features of both streams."""
        rgb_BS, flow_BS = state_BS.split([self.rgb.state_size, self.flow.state_size], dim=1)
        rgb, flow = self.rgb(rgb_TBD, rgb_BS), self.flow(flow_TBD, flow_BS)
        units_TBU = torch.cat([rgb.units_TBU, flow.units_TBU], dim=2)
        state_BS = torch.cat([rgb.state_BS, flow.state_BS], dim=1)
        return Output(self.fusion(rgb, flow), units_TBU, state_BS)
