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
from methods.common.crops import Crop
from methods.common.schedules import make_optimiser, one_cycle
from methods.two_stream_yolo import clips
from methods.two_stream_yolo.config import TwoStreamYoloConfig, recognition_model
from methods.two_stream_yolo.labelled import Clips, Labelled
from methods.two_stream_yolo.network import Recogniser


class RecognitionStage(TrainingStage):
    """Cross-entropy of the actions of two neighbouring frames; ``build`` makes a network of so many classes.

    Where several actions go on at once each has an equal share.
    """

    name = "recognition"

    def __init__(
        self,
        config: TwoStreamYoloConfig,
        source: Clips,
        seed: int,
        build: Callable[[int], Recogniser],
        device: str = "cpu",
    ) -> None:
        self.config, self.recognition, self.model = config, config.recognition, recognition_model(config)
        self.source, self.seed, self.build, self.device = source, seed, build, device
        self.steps = config.recognition.steps
        self.network: Recogniser | None = None

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        self.network = self.build(self.source.classes)
        return self.network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        own = self.recognition
        learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
        return make_optimiser(own.optimiser, learnt, own.learning_rate, own.weight_decay)

    def learning_rate(self, step: int) -> float:
        peak = self.recognition.learning_rate
        return one_cycle(peak, step, self.steps) if self.recognition.one_cycle else peak

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 5, step])
        size = self.recognition.batch
        inputs, targets = [], []
        for position in range(step * size, (step + 1) * size):
            found = self.source.pick(position, self.config.augmentation.flip, rng)
            inputs.append(self._inputs(found, rng))
            targets.append(torch.from_numpy(found.target_C))
        stacked = default_collate(inputs)
        if self.network is not None:
            stacked = self.network.known(stacked, self.device)
        return {"inputs": stacked, "targets": torch.stack(targets)}

    def _inputs(self, found: Labelled, rng: np.random.Generator) -> dict[str, Tensor]:
        augmentation = self.config.augmentation
        if found.window is not None:
            crop = Crop(found.footage, found.frame, found.window, found.mirror, rng)
            return clips.crop_inputs(crop, self.model, augmentation.colour)
        view = clips.random_view(augmentation, self.model.frame_size, found.mirror, rng)
        return clips.inputs(found.footage, found.frame, self.model, view)

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"action": F.cross_entropy(module(batch["inputs"]), batch["targets"])}
