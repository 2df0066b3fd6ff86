"""Fitting a flow network to pictures whose motion is known: the first training stage of what holds one.

The clips are rendered, the same whatever the dataset of the run, so that the fitted network is one and the
same for all variants and all data.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.base import MotionClip, TrainingData, TrainingStage
from methods.nn.flow.config import FittingConfig
from methods.nn.flow.named import build
from methods.nn.flow.network import FlowNetwork, resized

COARSE = 0.5
"""What flow at a coarser scale counts beside the finest."""
MOST = 2.0
"""Pixels of a pixel's own motion beyond which it counts no more."""


class FlowStage(TrainingStage):
    """Fits the network of a config to rendered motion.

    Its checkpoint is one of the network alone (:func:`methods.nn.flow.named.load_published`). Raises
    ValueError where the training data bring no motion.
    """

    name = "flow"

    def __init__(self, config: FittingConfig, data: TrainingData, seed: int) -> None:
        if data.motion is None:
            raise ValueError(f"{config.network} is fitted to rendered motion: give TrainingData its `motion`")
        self.config, self.seed, self.steps = config, seed, config.steps
        self.motion = data.motion
        self.pairs: MotionPairs | None = None

    def prepare(self, folder: Path) -> nn.Module:
        self.pairs = MotionPairs(self.motion(), self.config.crop)
        torch.manual_seed(self.seed)
        return Fitting(build(self.config.network), self.config.motion_weight).train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.AdamW(
            module.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )

    def learning_rate(self, step: int) -> float:
        """Up over the first twentieth of the steps, down to zero over all others, both linear."""
        rise = max(1, self.steps // 20)
        return self.config.learning_rate * min((step + 1) / rise, (self.steps - step) / self.steps)

    def batch(self, step: int) -> Any:
        assert self.pairs is not None
        rng = np.random.default_rng([self.seed, 11, step])
        return self.pairs.batch(self.config.batch, rng)

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return module(*batch)


class Fitting(nn.Module):
    """A network and its loss. The network is called ``module``, the prefix that checkpoints are rid of."""

    def __init__(self, network: FlowNetwork, motion_weight: float) -> None:
        super().__init__()
        self.module, self.motion_weight = network, motion_weight

    def forward(self, first_N3HW: Tensor, second_N3HW: Tensor, truth_N2HW: Tensor) -> dict[str, Tensor]:
        """``fine`` and ``coarse``: the end-point error of the finest flow and of all others."""
        finest, *others = self.module.pyramid(first_N3HW, second_N3HW)
        height, width = truth_N2HW.shape[2:]
        fine = endpoint_error(resized(finest, (height, width)), truth_N2HW, self.motion_weight)
        pooled = [F.interpolate(truth_N2HW, flow.shape[2:], mode="area") for flow in others]
        coarse = [endpoint_error(*pair, self.motion_weight) for pair in zip(others, pooled)]
        return {"fine": fine, "coarse": COARSE * torch.stack(coarse).sum()}


def endpoint_error(flow_N2HW: Tensor, truth_N2HW: Tensor, motion_weight: float = 0.0) -> Tensor:
    """Mean length of the difference, in pixels.

    A pixel counts ``motion_weight`` more for each pixel, up to two, that it moves against the median of its
    field: people are few beside what the camera moves.
    """
    error_NHW = (flow_N2HW - truth_N2HW).square().sum(1).add(1e-4).sqrt()
    if not motion_weight:
        return error_NHW.mean()
    camera_N211 = truth_N2HW.flatten(2).median(dim=2).values[:, :, None, None]
    own_NHW = (truth_N2HW - camera_N211).square().sum(1).sqrt().clamp(max=MOST)
    return (error_NHW * (1 + motion_weight * own_NHW)).mean()


class MotionPairs:
    """Neighbouring frames of clips and their flow; crops of them, mirrored at random."""

    def __init__(self, clips: Iterable[MotionClip], crop: int) -> None:
        self.clips = [(frames, flow.astype(np.float16)) for frames, flow in clips]
        smallest = min(min(frames.shape[1:3]) for frames, _ in self.clips)
        self.crop = min(crop, smallest)

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """(first_N3HW, second_N3HW, flow_N2HW), float32, pictures in [0, 255]."""
        parts = zip(*(self._pair(rng) for _ in range(size)))
        stacked = (np.stack(part).transpose(0, 3, 1, 2) for part in parts)
        first, second, flow = (torch.from_numpy(part).float() for part in stacked)
        return first, second, flow

    def _pair(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        frames, flow = self.clips[rng.integers(len(self.clips))]
        at = int(rng.integers(len(frames) - 1))
        y, x = (int(rng.integers(side - self.crop + 1)) for side in frames.shape[1:3])
        cut = (slice(y, y + self.crop), slice(x, x + self.crop))
        down, across = (1 - 2 * int(turn) for turn in rng.integers(2, size=2))
        turned = (slice(None, None, down), slice(None, None, across))
        sign = np.array([across, down], np.float16)
        return frames[at][cut][turned], frames[at + 1][cut][turned], flow[at][cut][turned] * sign
