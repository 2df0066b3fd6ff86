"""A stand-in for weights of Kinetics: the 3-D branch first learns what the people in crops of the training
videos do. The detector sees one person an image among many cells; crops show it many more at the same cost.

Not of the paper, which starts from published weights: only size ``tiny`` has this stage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.records import Array
from methods.base import Info, TrainingData, TrainingStage
from methods.common.colour import distorted
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import make_optimiser, one_cycle
from methods.common.windows import Window, taken, to_network, window_around
from methods.nn.resnext3d import ResNeXt3D
from methods.nn.weights import load_checked, read_tensors
from methods.yowo.clips import clip_frames, unit_clip
from methods.yowo.config import CropsConfig, ModelConfig
from methods.yowo.network import Trunk, trunk_of


class CropClassifier(nn.Module):
    """The 3-D branch, global average pooling and a layer of classes."""

    def __init__(self, model: ModelConfig, num_classes: int):
        super().__init__()
        self.trunk = trunk_of(model)
        self.fc = nn.Linear(self.trunk.config.out_channels, num_classes)

    def forward(self, clip_BCTHW: Tensor, label_BC: Tensor, multi_label: bool) -> dict[str, Tensor]:
        """The loss of a batch; ``label_BC``: 1 for every class of the person, each a sigmoid if several."""
        logits = self.fc(ResNeXt3D.pooled(self.trunk(clip_BCTHW)))
        if multi_label:
            return {"class": F.binary_cross_entropy_with_logits(logits, label_BC)}
        return {"class": F.cross_entropy(logits, label_BC)}


class CropStage(TrainingStage):
    """Classification of crops around annotated people, in the pixels of the network's frame."""

    name = "crops"

    def __init__(
        self,
        model: ModelConfig,
        crops: CropsConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        shuffled_labels: bool = False,
    ) -> None:
        self.model, self.crops, self.info, self.data, self.seed = model, crops, info, data, seed
        truth = with_shuffled_labels(data.truth, seed) if shuffled_labels else data.truth
        self.examples = Examples(truth, info, seed)
        self.steps = crops.steps

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        return CropClassifier(self.model, len(self.info.classes)).train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        return make_optimiser("adamw", module.parameters(), self.crops.learning_rate, self.crops.weight_decay)

    def learning_rate(self, step: int) -> float:
        return one_cycle(self.crops.learning_rate, step, self.steps)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 4, step])
        size = self.crops.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        clips, labels = zip(*examples)
        return {"clip": torch.stack(clips), "label": torch.from_numpy(np.stack(labels))}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = module(batch["clip"], batch["label"], self.info.multi_label)
        return losses

    def _example(self, position: int, rng: np.random.Generator) -> tuple[Tensor, Array]:
        """The clip (3, T, side, side) and the label vector of one person of a key-frame."""
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        labels, mirror = self.examples.mirrored(labels, rng)
        people = label_vectors(to_network(boxes, footage), labels, len(self.info.classes))
        window, vector = one_person(*people, self.crops, rng)
        frames = recoloured(footage.clip(clip_frames(frame, self.model)), window, self.crops.colour, rng)
        return unit_clip(frames[:, :, ::-1] if mirror else frames, self.model.clip_input), vector


def one_person(
    boxes_G4: Array, labels_GC: Array, crops: CropsConfig, rng: np.random.Generator
) -> tuple[Window, Array]:
    """A window around one of the people, and the label vector of that one."""
    person = int(rng.integers(len(boxes_G4)))
    return window_around(boxes_G4[person], crops.side, crops.shift, rng), labels_GC[person]


def recoloured(
    frames_THW3: Array, window: Window, colour: tuple[float, float, float], rng: np.random.Generator
) -> Array:
    """A crop of other colours, half the time the negative: motion is told by no direction of contrast."""
    crop = distorted(np.ascontiguousarray(taken(frames_THW3, window)), colour, rng)
    return 255 - crop if rng.random() < 0.5 else crop


def load_crops(trunk: Trunk, path: Path) -> None:
    """Give a 3-D branch what was learnt of crops: all but the layer of classes."""
    tensors = {name.removeprefix("trunk."): tensor for name, tensor in read_tensors(path).items()}
    load_checked(trunk, tensors, str(path), ignore=["fc."], hint="It was trained with another config")
