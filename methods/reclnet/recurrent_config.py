"""What the recurrent part of RecLNet is and how it is trained; imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cell = Literal["gru", "torch-gru", "lstm", "torch-lstm", "fc"]
FusionKind = Literal["gating", "layer"]


@dataclass(frozen=True)
class RecurrentConfig:
    """The network of one stream (section 3.2 and 3.4).

    cell: ``gru`` and ``lstm`` are eq. 2 and 1; ``torch-gru`` and ``torch-lstm`` PyTorch's own units, fast on
        a GPU; ``fc`` the baseline without memory.
    hidden: width of the first layer, which "normalises" the features.
    units: widths of the two units; those of ``fc`` are not stated, 960 and 410 have as many weights as the
        GRU's (see :data:`FC_UNITS`).
    relu: an activation after the first layer; the paper names none.
    """

    cell: Cell = "gru"
    hidden: int = 1024
    units: tuple[int, int] = (256, 256)
    relu: bool = False

    def __post_init__(self) -> None:
        if min(self.hidden, *self.units) < 1:
            raise ValueError(f"recurrent: hidden={self.hidden} and units={self.units} must all be at least 1")


FC_UNITS = (960, 410)
"""Widths of the baseline's layers beside units of 256: 1,378,010 parameters, the GRUs have 1,377,792."""


@dataclass(frozen=True)
class RecurrentTraining:
    """How a stream's network, or the fusion, is trained (sections 3.2 and 3.4).

    tracks, length: a batch holds so many different tracks by so many consecutive time steps; gradients go
        back as far, the state goes on. Both the authors'.
    epochs: passes over all tracks; steps: optimiser steps instead, 0: by epochs. The paper states neither.
    learning_rate: Adam's, times 0.1 after the share ``drop`` of all steps. Ours; the paper states none.
    weight_decay: added to the gradient, the authors'.
    """

    tracks: int = 100
    length: int = 20
    epochs: int = 10
    steps: int = 0
    learning_rate: float = 1e-3
    drop: float = 0.75
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        if self.tracks < 1 or self.length < 1:
            raise ValueError(
                f"recurrent training: tracks={self.tracks}, length={self.length} must be at least 1"
            )
        if self.epochs < 1 and self.steps < 1:
            raise ValueError(
                f"recurrent training: epochs={self.epochs} and steps={self.steps}: set one above 0"
            )
