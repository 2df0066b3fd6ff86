"""Settings of fitting a flow network. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FittingConfig:
    """A flow network's own training on rendered motion, all ours. It takes about a minute of one core."""

    network: str = "tiny"
    steps: int = 800
    batch: int = 4
    crop: int = 64  # side of the square that is cut out of both pictures
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    motion_weight: float = 2.0  # how much more a pixel counts for each it moves against most others
