"""The training stage in which both streams learn to recognise actions (section III.C)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import default_collate

from methods.base import TrainingStage
from methods.common.schedules import make_optimiser, one_cycle
from methods.two_stream_yolo import clips
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.labelled import Clips
from methods.two_stream_yolo.network import Recogniser


class RecognitionStage(TrainingStage):
    """Cross-entropy of the actions of two neighbouring frames; ``build`` makes a network of so many classes.

    Where several actions go on at once each has an equal share.
    """

    name = "recognition"

    def __init__(
        self, config: TwoStreamYoloConfig, source: Clips, seed: int, build: Callable[[int], Recogniser]
    ) -> None:
        self.config, self.recognition = config, config.recognition
        self.source, self.seed, self.build = source, seed, build
        self.steps = config.recognition.steps

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        return self.build(self.source.classes).train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        own = self.recognition
        learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
        return make_optimiser(own.optimiser, learnt, own.learning_rate, own.weight_decay)

    def learning_rate(self, step: int) -> float:
        peak = self.recognition.learning_rate
        return one_cycle(peak, step, self.steps) if self.recognition.one_cycle else peak

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 5, step])
        size, augmentation = self.recognition.batch, self.config.augmentation
        inputs, targets = [], []
        for position in range(step * size, (step + 1) * size):
            found = self.source.pick(position, augmentation.flip, rng)
            view = clips.random_view(augmentation, self.config.model.frame_size, found.mirror, rng)
            inputs.append(clips.inputs(found.footage, found.frame, True, view))
            targets.append(torch.from_numpy(found.target_C))
        return {"inputs": default_collate(inputs), "targets": torch.stack(targets)}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"action": F.cross_entropy(module(batch["inputs"]), batch["targets"])}
