"""The two training stages of PCSC: the detector end to end, then the actionness detectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.records import Array
from methods.base import Info, TrainingData, TrainingStage
from methods.common.batches import stack
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import drops, make_optimiser, one_cycle
from methods.common.windows import random_window, to_network, visible
from methods.nn.i3d_weights import load_published
from methods.pcsc.clips import clip_tensors
from methods.pcsc.config import PcscConfig, TrainingConfig
from methods.pcsc.network import PcscNetwork
from methods.pcsc.regions import Target


class DetectorStage(TrainingStage):
    """All streams and stages end to end; the sum of every stage's losses (section 3.4)."""

    name = "detector"

    def __init__(
        self,
        config: PcscConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        weights: Mapping[str, Path] | None = None,
    ) -> None:
        self.config, self.info, self.data, self.seed = config, info, data, seed
        self.weights = weights or {}
        shuffled = config.training.shuffled_labels
        truth = with_shuffled_labels(data.truth, seed) if shuffled else data.truth
        training = config.training
        self.examples = Examples(truth, info, seed, training.frame_step, training.background)
        self.steps = training.steps or math.ceil(training.epochs * len(self.examples) / training.batch)

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        config, info = self.config, self.info
        network = PcscNetwork(config.model, config.training, len(info.classes), info.multi_label)
        for stream, path in self.weights.items():
            load_published(network.streams[stream].backbone, path)
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.config.training
        return make_optimiser(
            training.optimiser, module.parameters(), training.learning_rate, training.weight_decay
        )

    def learning_rate(self, step: int) -> float:
        return learning_rate(self.config.training, step, self.steps)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 1, step])
        size = self.config.training.batch
        clips, targets = [], []
        for position in range(step * size, (step + 1) * size):
            clip, target = self._example(position, rng)
            clips.append(clip)
            targets.append(target)
        return {"clips": stack(clips), "targets": targets}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return module(batch["clips"], [Target(**t) for t in batch["targets"]])

    def _example(
        self, position: int, rng: np.random.Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One clip and its truth."""
        training, model = self.config.training, self.config.model
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        window = random_window(model.frame_size, training.zoom, rng)
        mirror = False
        if training.flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        placed = to_network(boxes, footage, window, mirror)
        seen = visible(placed)
        return clip_tensors(footage, frame, model, window, mirror), self._target(placed[seen], labels[seen])

    def _target(self, boxes: Array, labels: Array) -> dict[str, Tensor]:
        """Labels from 1; with several a person its vector of them."""
        if self.info.multi_label:
            boxes, labels = label_vectors(boxes, labels, len(self.info.classes))
        else:
            labels = labels.astype(np.int64) + 1
        return {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(labels)}


def learning_rate(training: TrainingConfig, step: int, steps: int) -> float:
    """One cycle, or warm-up and drops by ten at milestones, given as shares of all steps."""
    if training.one_cycle:
        return one_cycle(training.learning_rate, step, steps)
    milestones = [m * steps for m in training.milestones]
    return drops(training.learning_rate, step, milestones, 0.1, training.warmup)


@dataclass(frozen=True)
class ActionnessExamples:
    """Boxes of linked training tubes: fc7 features_ND (float16), the tube's label_N, whether right."""

    features_ND: np.ndarray
    label: np.ndarray
    positive: np.ndarray

    @classmethod
    def concat(cls, parts: Sequence[ActionnessExamples]) -> ActionnessExamples:
        return cls(
            np.concatenate([p.features_ND for p in parts]),
            np.concatenate([p.label for p in parts]),
            np.concatenate([p.positive for p in parts]),
        )
