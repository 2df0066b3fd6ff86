"""What the recurrent part of RecLNet is and how it is trained; imports without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
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
    label_iou: a box of a track shows an action if it overlaps an annotated box of it by more than this
        (section 3.2), else background.
    group_gb: tracks are drawn from one group of videos after the other, each of videos whose features take so
        many gigabytes (1e9 bytes); see :mod:`methods.reclnet.schedule`. Where all take less, and for any
        large number, they are drawn from all videos at once, as the paper does. Ours.
    """

    tracks: int = 100
    length: int = 20
    epochs: int = 10
    steps: int = 0
    learning_rate: float = 1e-3
    drop: float = 0.75
    weight_decay: float = 5e-4
    label_iou: float = field(default=0.3, metadata={"range": (0.1, 0.7)})
    group_gb: float = 1.6

    def __post_init__(self) -> None:
        if self.tracks < 1 or self.length < 1:
            raise ValueError(
                f"recurrent training: tracks={self.tracks}, length={self.length} must be at least 1"
            )
        if self.epochs < 1 and self.steps < 1:
            raise ValueError(
                f"recurrent training: epochs={self.epochs} and steps={self.steps}: set one above 0"
            )
        if not 0 <= self.label_iou <= 1:
            raise ValueError(f"learning.label_iou is {self.label_iou}, must be an IoU, 0 to 1")
        if not 0 <= self.group_gb < math.inf:
            raise ValueError(
                f"learning.group_gb is {self.group_gb}, must be a number of gigabytes; a large one, 1e6, "
                "draws tracks from all videos at once"
            )
