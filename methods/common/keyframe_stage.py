"""Training of a classifier on key-frames: what stages that stand in for published weights have in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.footage import Footage
from bench.records import Array, GroundTruth
from methods.base import Info, TrainingData, TrainingStage
from methods.common.keyframes import Examples
from methods.common.schedules import make_optimiser, one_cycle


class Settings(Protocol):
    """Of a config, what every such stage reads."""

    @property
    def batch(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


class Shown(NamedTuple):
    """A key-frame that is learnt from: boxes_G4 as they are annotated, labels_G of the mirrored picture where
    ``mirror``."""

    footage: Footage
    frame: int
    boxes_G4: Array
    labels_G: Array
    mirror: bool


class KeyFrameStage(TrainingStage):
    """A network learns what the people in key-frames do, by AdamW at a rate that rises and falls once.

    A subclass says what is built (``network``) and what an example is, and makes batches of ``drawn``.
    ``draws`` is part of the seed of its batches.
    """

    draws: ClassVar[int]

    def __init__(
        self, settings: Settings, info: Info, data: TrainingData, seed: int, truth: GroundTruth
    ) -> None:
        """``truth``: what of the data's annotation is learnt from."""
        self.settings, self.info, self.data, self.seed = settings, info, data, seed
        self.examples = Examples(truth, info, seed)

    @abstractmethod
    def network(self) -> nn.Module:
        """What is trained, from its start."""

    @abstractmethod
    def example(self, shown: Shown, rng: np.random.Generator) -> Any:
        """What is learnt of a key-frame."""

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        return self.network().train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        learnt = [one for one in module.parameters() if one.requires_grad]
        return make_optimiser("adamw", learnt, self.settings.learning_rate, self.settings.weight_decay)

    def learning_rate(self, step: int) -> float:
        return one_cycle(self.settings.learning_rate, step, self.steps)

    def drawn(self, step: int) -> list[Any]:
        """The examples of a step."""
        rng = np.random.default_rng([self.seed, self.draws, step])
        size = self.settings.batch
        return [self.example(self._shown(place, rng), rng) for place in range(step * size, (step + 1) * size)]

    def _shown(self, position: int, rng: np.random.Generator) -> Shown:
        video, frame, boxes_G4, labels_G = self.examples.pick(position, rng)
        labels_G, mirror = self.examples.mirrored(labels_G, rng)
        return Shown(self.data.footage[video], frame, boxes_G4, labels_G, mirror)

    def entropy(self, logits_NC: Tensor, labels_NC: Tensor) -> Tensor:
        """Cross-entropy to label vectors; where there are several labels a person each class is a sigmoid."""
        if self.info.multi_label:
            return F.binary_cross_entropy_with_logits(logits_NC, labels_NC)
        return F.cross_entropy(logits_NC, labels_NC)
