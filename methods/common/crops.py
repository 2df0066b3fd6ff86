"""Crops of people: what stands in for published weights where a small network starts from nothing.

A detector sees one or two people an image among many cells; crops show it many more at the same cost. No
paper here does so: theirs start from ImageNet, Kinetics or Pascal VOC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Footage
from bench.records import Array
from methods.base import Info, TrainingData
from methods.common.batches import stack
from methods.common.colour import distorted
from methods.common.config import CropsConfig
from methods.common.keyframe_stage import KeyFrameStage, Shown
from methods.common.keyframes import with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.windows import Window, taken, to_network, window_around


@dataclass(frozen=True)
class Crop:
    """A person of a key-frame: a square ``window`` of the network's frame, mirrored after it is cut out where
    ``mirror``; ``rng`` draws colours."""

    footage: Footage
    frame: int
    window: Window
    mirror: bool
    rng: np.random.Generator

    def rgb(self, frames: Array, colour: tuple[float, float, float]) -> Array:
        """The crop of these frames in other colours, half the time the negative: motion is told by no
        direction of contrast. uint8 (T, side, side, 3)."""
        found = recoloured(self.footage.clip(frames), self.window, colour, self.rng)
        return found[:, :, ::-1] if self.mirror else found


Inputs = Callable[[Crop], Mapping[str, Tensor]]


class CropNetwork(nn.Module):
    """What is trained on crops: a module of a batch of inputs by name, whose result is logits_BC."""

    def known(self, inputs: dict[str, Tensor], device: str) -> dict[str, Tensor]:
        """The inputs, and what of them is not learnt; asked for beside the steps."""
        return inputs


class CropStage(KeyFrameStage):
    """Classification of crops around annotated people, one a key-frame.

    ``build`` makes the classifier, ``inputs`` says what it sees of each crop.
    """

    name, draws = "crops", 4

    def __init__(
        self,
        crops: CropsConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        build: Callable[[], CropNetwork],
        inputs: Inputs,
        shuffled_labels: bool = False,
    ) -> None:
        truth = with_shuffled_labels(data.truth, seed) if shuffled_labels else data.truth
        super().__init__(crops, info, data, seed, truth)
        self.crops, self.steps, self.build, self.inputs = crops, crops.steps, build, inputs
        self.classifier: CropNetwork | None = None

    def network(self) -> nn.Module:
        self.classifier = self.build()
        return self.classifier

    def batch(self, step: int) -> Any:
        inputs, labels = zip(*self.drawn(step))
        batch = stack(inputs)
        if self.classifier is not None:
            batch = self.classifier.known(batch, self.data.device)
        return {"inputs": batch, "label": torch.from_numpy(np.stack(labels))}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"class": self.entropy(module(batch["inputs"]), batch["label"])}

    def example(self, shown: Shown, rng: np.random.Generator) -> tuple[Mapping[str, Tensor], Array]:
        """Inputs and label vector of one person."""
        boxes = to_network(shown.boxes_G4, shown.footage)
        people = label_vectors(boxes, shown.labels_G, len(self.info.classes))
        window, vector = one_person(*people, self.crops, rng)
        return self.inputs(Crop(shown.footage, shown.frame, window, shown.mirror, rng)), vector


def one_person(
    boxes_G4: Array, labels_GC: Array, crops: CropsConfig, rng: np.random.Generator
) -> tuple[Window, Array]:
    """A window around one of the people, and the label vector of that one."""
    person = int(rng.integers(len(boxes_G4)))
    return window_around(boxes_G4[person], crops.side, crops.shift, rng), labels_GC[person]


def recoloured(
    frames_THW3: Array, window: Window, colour: tuple[float, float, float], rng: np.random.Generator
) -> Array:
    """The window of the frames in other colours, every second time their negative."""
    crop = distorted(np.ascontiguousarray(taken(frames_THW3, window)), colour, rng)
    return 255 - crop if rng.random() < 0.5 else crop
