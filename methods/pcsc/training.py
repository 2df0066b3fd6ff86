"""The two training stages of PCSC: the detector end to end, then the actionness detectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.records import GroundTruth
from methods.base import Info, TrainingData, TrainingStage
from methods.nn.i3d_weights import load_published
from methods.pcsc.clips import clip_tensors, random_window, stack, to_network
from methods.pcsc.config import PcscConfig, TrainingConfig
from methods.pcsc.network import PcscNetwork
from methods.pcsc.regions import Target


@dataclass(frozen=True)
class KeyFrames:
    """Key-frames to train on; those of key-frame i are rows ``bounds[i]:bounds[i + 1]`` of the truth."""

    video: np.ndarray
    frame: np.ndarray
    bounds: np.ndarray
    boxes_N4: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, truth: GroundTruth, step: int) -> KeyFrames:
        """Every ``step``-th frame of each video that has a box. Raises ValueError when there is none."""
        chosen = truth.boxes.frame % step == 0
        if not chosen.any():
            raise ValueError(f"no training frame of the {len(truth.videos)} videos is annotated")
        boxes, labels = truth.boxes[chosen], truth.box_labels()[chosen]
        order = np.lexsort((boxes.frame, boxes.video))
        boxes, labels = boxes[order], labels[order]
        key = boxes.video.astype(np.int64) << 32 | boxes.frame
        first = np.flatnonzero(np.diff(key, prepend=-1))
        return cls(
            boxes.video[first], boxes.frame[first], np.append(first, len(boxes)), boxes.boxes_N4, labels
        )

    def __len__(self) -> int:
        return len(self.video)

    def truth_at(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """boxes_G4 and 0-based labels_G of a key-frame."""
        rows = slice(self.bounds[index], self.bounds[index + 1])
        return self.boxes_N4[rows], self.labels[rows]


def background_frames(truth: GroundTruth) -> tuple[np.ndarray, np.ndarray]:
    """(video, frame) of all frames without a box."""
    empty = [np.ones(n, bool) for n in truth.videos.frames]
    for video, frame in zip(truth.boxes.video, truth.boxes.frame):
        if frame < len(empty[video]):
            empty[video][frame] = False
    videos = np.repeat(np.arange(len(empty)), [e.sum() for e in empty])
    return videos, np.concatenate([np.flatnonzero(e) for e in empty])


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
        self.keys = KeyFrames.of(truth, config.training.frame_step)
        self.empty = background_frames(data.truth)
        training = config.training
        self.steps = training.steps or math.ceil(training.epochs * len(self.keys) / training.batch)

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        network = PcscNetwork(self.config.model, self.config.training, len(self.info.classes))
        for stream, path in self.weights.items():
            load_published(network.streams[stream].backbone, path)
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.config.training
        if training.optimiser == "sgd":
            return torch.optim.SGD(
                module.parameters(), training.learning_rate, momentum=0.9, weight_decay=training.weight_decay
            )
        return torch.optim.AdamW(
            module.parameters(), training.learning_rate, weight_decay=training.weight_decay, fused=True
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
        """One clip and its truth; key-frames come in a new random order each epoch."""
        if rng.random() < self.config.training.background and len(self.empty[0]):
            pick = int(rng.integers(len(self.empty[0])))
            video, frame = self.empty[0][pick], self.empty[1][pick]
            boxes, labels = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
        else:
            epoch, place = divmod(position, len(self.keys))
            index = self._order(epoch)[place]
            video, frame = self.keys.video[index], self.keys.frame[index]
            boxes, labels = self.keys.truth_at(index)
        return self._augmented(self.data.truth.videos.names[video], int(frame), boxes, labels, rng)

    def _augmented(
        self, video: str, frame: int, boxes: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        training, model = self.config.training, self.config.model
        footage = self.data.footage[video]
        window = random_window(model, training.zoom, rng)
        swap = self.info.flipped_labels
        mirror = bool(training.flip and swap is not None and rng.random() < 0.5)
        if mirror:
            labels = np.asarray(swap)[labels]
        placed = to_network(boxes, footage, window, mirror)
        visible = (placed[:, 2] - placed[:, 0] > 2) & (placed[:, 3] - placed[:, 1] > 2)
        target = {
            "boxes": torch.from_numpy(placed[visible]),
            "labels": torch.from_numpy(labels[visible].astype(np.int64) + 1),
        }
        return clip_tensors(footage, frame, model, window, mirror), target

    def _order(self, epoch: int) -> np.ndarray:
        cached = getattr(self, "_cached_order", None)
        if cached is None or cached[0] != epoch:
            order = np.random.default_rng([self.seed, 2, epoch]).permutation(len(self.keys))
            self._cached_order = cached = (epoch, order)
        return cached[1]


def learning_rate(training: TrainingConfig, step: int, steps: int) -> float:
    """One-cycle (linear up over a tenth, cosine down), or warm-up and drops by ten at milestones."""
    peak = training.learning_rate
    if training.one_cycle:
        rise = max(1, steps // 10)
        if step < rise:
            return peak * (step + 1) / rise
        return peak * (0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1, steps - rise)))
    warm = min(1.0, (step + 1) / max(1, training.warmup))
    return peak * warm * 0.1 ** sum(step >= m * steps for m in training.milestones)


def with_shuffled_labels(truth: GroundTruth, seed: int) -> GroundTruth:
    """The annotation with the labels of all tubes permuted: the control experiment."""
    labels = np.random.default_rng([seed, 3]).permutation(truth.tubes.label)
    return replace(truth, tubes=replace(truth.tubes, label=labels))


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
