"""The training stage of YOWO, end to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Footage
from bench.records import Array, GroundTruth
from methods.base import Info, TrainingData, TrainingStage
from methods.common.batches import stack
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import drops, make_optimiser, one_cycle
from methods.common.windows import Window, jittered_window, random_window, to_network, visible
from methods.nn.anchors import clustered
from methods.nn.region_loss import RegionLoss
from methods.yowo import clips
from methods.yowo.config import ModelConfig, TrainingConfig
from methods.yowo.network import YowoNetwork

Build = Callable[[], YowoNetwork]
Inputs = Callable[["View"], Mapping[str, Tensor]]


@dataclass(frozen=True)
class View:
    """A key-frame of some footage as training sees it; ``rng`` draws the distortion of colour."""

    footage: Footage
    frame: int
    window: Window | None
    mirror: bool
    rng: np.random.Generator


class DetectorStage(TrainingStage):
    """The whole network from its start, which ``build`` makes; ``inputs`` says what it sees of a view."""

    name = "detector"

    def __init__(
        self,
        model: ModelConfig,
        training: TrainingConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        build: Build,
        inputs: Inputs | None = None,
    ) -> None:
        self.model, self.training, self.info, self.data, self.seed = model, training, info, data, seed
        self.build, self.inputs = build, inputs or self.clip_inputs
        truth = with_shuffled_labels(data.truth, seed) if training.shuffled_labels else data.truth
        self.examples = Examples(truth, info, seed, background=training.background)
        self.steps = training.steps
        self.loss = RegionLoss(multi_label=info.multi_label)

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        network = self.build()
        if not self.model.anchors:
            cell = self.model.frame_size[0] / cells(self.model)[0]
            sizes = network_sizes(self.data.truth, self.model) / cell
            anchors = clustered(sizes, network.num_anchors, self.seed)
            network.anchors_A2.copy_(torch.from_numpy(anchors).float())
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.training
        learnt = [(name, one) for name, one in module.named_parameters() if one.requires_grad]
        motion = [one for name, one in learnt if name.startswith("backbone_3d.")]
        groups: list[dict[str, Any]] = [
            {"params": [one for name, one in learnt if not name.startswith("backbone_3d.")]}
        ]
        if motion:
            groups.append({"params": motion, "lr_scale": training.rate_3d})
        return make_optimiser(training.optimiser, groups, training.learning_rate, training.weight_decay)

    def learning_rate(self, step: int) -> float:
        training = self.training
        if training.one_cycle:
            return one_cycle(training.learning_rate, step, self.steps)
        return drops(training.learning_rate, step, training.milestones, 0.5)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 1, step])
        size = self.training.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        return {
            "inputs": stack([inputs for inputs, _, _ in examples]),
            "boxes": [boxes for _, boxes, _ in examples],
            "labels": [labels for _, _, labels in examples],
            "prior": step * size < self.training.prior_examples,
        }

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return module(batch["inputs"], batch["boxes"], batch["labels"], self.loss, batch["prior"])

    def _example(
        self, position: int, rng: np.random.Generator
    ) -> tuple[Mapping[str, Tensor], Tensor, Tensor]:
        """Inputs, boxes_G4 in network pixels and label vectors_GC of one key-frame."""
        training, size = self.training, self.model.frame_size
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        window = jittered_window(size, training.jitter, rng) or random_window(size, training.zoom, rng)
        mirror = False
        if training.flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        placed = to_network(boxes, footage, window, mirror)
        seen = visible(placed)
        placed, vectors = label_vectors(placed[seen], labels[seen], len(self.info.classes))
        view = View(footage, frame, window, mirror, rng)
        return self.inputs(view), torch.from_numpy(placed), torch.from_numpy(vectors)

    def clip_inputs(self, view: View) -> Mapping[str, Tensor]:
        """The clip and the key-frame."""
        frames = view.footage.clip(clips.clip_frames(view.frame, self.model))
        drawn = clips.augmented(frames, view.window, view.mirror, self.training.colour, view.rng)
        return clips.inputs(drawn, self.model)


def cells(model: ModelConfig) -> tuple[int, int]:
    """Columns and rows of the head's map."""
    stride = 2 ** sum(model.pools_2d)
    return model.frame_size[0] // stride, model.frame_size[1] // stride


def network_sizes(truth: GroundTruth, model: ModelConfig) -> Array:
    """Widths and heights of all training boxes in network pixels, [N, 2]."""
    boxes, videos = truth.boxes, truth.videos
    scale = np.array(model.frame_size) / np.stack([videos.width, videos.height], axis=1)
    sizes = (boxes.boxes_N4[:, 2:] - boxes.boxes_N4[:, :2]) * scale[boxes.video]
    return np.maximum(sizes, 1.0)
