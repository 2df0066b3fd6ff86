"""Training a narrow SiamFC on people whose boxes are known (paper, sections 2.2 and 2.3, in small)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.records import Array
from methods.base import TrainingStage
from methods.nn.siamfc.config import FittingConfig
from methods.nn.siamfc.crops import EXEMPLAR, SEARCH, crop, square_side
from methods.nn.siamfc.network import SiamFC
from methods.nn.siamfc.tracking import STRIDE

POSITIVE = 16.0
"""Pixels of the search crop around its centre within which a response should be positive."""

Track = tuple[np.ndarray, np.ndarray]
"""RGB frames, uint8 [T, H, W, 3], and the box of one person in each of them, [T, 4], in their pixels."""


class SiamFCStage(TrainingStage):
    """Fits a network to tell a person in one frame from what is around it in another.

    Its checkpoint is the network's (:meth:`SiamFC.of_file`). ``tracks`` is called once, by ``prepare``.
    """

    name = "siamfc"

    def __init__(self, config: FittingConfig, tracks: Callable[[], Iterable[Track]], seed: int) -> None:
        self.config, self.tracks, self.seed, self.steps = config, tracks, seed, config.steps
        self.pairs: Pairs | None = None

    def prepare(self, folder: Path) -> nn.Module:
        self.pairs = Pairs(list(self.tracks()), self.config)
        torch.manual_seed(self.seed)
        return SiamFC(self.config.widths).train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.AdamW(module.parameters(), config.learning_rate, weight_decay=config.weight_decay)

    def learning_rate(self, step: int) -> float:
        """Up over the first twentieth of the steps, down to zero over all others, both linear."""
        rise = max(1, self.steps // 20)
        return self.config.learning_rate * min((step + 1) / rise, (self.steps - step) / self.steps)

    def batch(self, step: int) -> Any:
        assert self.pairs is not None
        rng = np.random.default_rng([self.seed, 17, step])
        return self.pairs.batch(self.config.batch, rng)

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"response": response_loss(module(*batch))}


def response_loss(responses_NRR: Tensor) -> Tensor:
    """The logistic loss against a positive centre; it and all else count one half (paper, section 2.2)."""
    side = responses_NRR.shape[-1]
    away_R = torch.arange(side, device=responses_NRR.device) - (side - 1) / 2
    label_RR = (away_R.square()[:, None] + away_R.square() <= (POSITIVE / STRIDE) ** 2).float()
    share = label_RR.mean()
    weight_RR = torch.where(label_RR > 0, 0.5 / share, 0.5 / (1 - share))
    labels, weights = label_RR.expand_as(responses_NRR), weight_RR.expand_as(responses_NRR)
    return F.binary_cross_entropy_with_logits(responses_NRR, labels, weights)


class Pairs:
    """Exemplars and search crops of one person in two frames of a track, mirrored at random."""

    def __init__(self, tracks: list[Track], config: FittingConfig) -> None:
        if not tracks:
            raise ValueError("SiamFC is fitted to tracks of people: there is none")
        self.tracks, self.config = tracks, config

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(exemplars_N3EE, searches_N3SS), float32 in [0, 255]; the person is in the middle of both."""
        parts = zip(*(self._pair(rng) for _ in range(size)))
        exemplars, searches = (torch.from_numpy(np.stack(p)).permute(0, 3, 1, 2).float() for p in parts)
        return exemplars, searches

    def _pair(self, rng: np.random.Generator) -> tuple[Array, Array]:
        frames, boxes = self.tracks[rng.integers(len(self.tracks))]
        first = int(rng.integers(len(frames)))
        low, high = max(0, first - self.config.apart), min(len(frames), first + self.config.apart + 1)
        second = int(rng.integers(low, high))
        stretch = 1 + self.config.stretch * float(rng.uniform(-1, 1))
        outside_3 = frames[first].mean(axis=(0, 1))
        across = 1 - 2 * int(rng.integers(2))
        found = []
        for at, pixels, scale in ((first, EXEMPLAR, 1.0), (second, SEARCH, stretch * SEARCH / EXEMPLAR)):
            centre_2, size_2 = (boxes[at, :2] + boxes[at, 2:]) / 2, boxes[at, 2:] - boxes[at, :2]
            cut = crop(frames[at], centre_2, scale * square_side(size_2), pixels, outside_3)
            found.append(cut[:, ::across])
        return found[0], found[1]
