"""Settings of fitting a narrow SiamFC. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass

Widths = tuple[int, int, int, int, int]
"""Channels of the five convolutions."""
PUBLISHED: Widths = (96, 256, 384, 384, 256)


@dataclass(frozen=True)
class FittingConfig:
    """The training of a narrow network on rendered people, all ours. It takes about 20 s of one core."""

    widths: Widths = (16, 32, 48, 48, 32)
    steps: int = 240
    batch: int = 4
    apart: int = 25  # most frames between the two that a pair is cut from
    stretch: float = 0.05  # how much larger or smaller than the exemplar the same person may be
    learning_rate: float = 1e-3
    weight_decay: float = 5e-4
