"""Distillation of the 3-D branch (section 3.2): a flow network learns to classify clips, then an RGB network
learns the same and to have the flow network's features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.records import Array
from methods.base import Info, TrainingData, TrainingStage
from methods.common.crops import one_person
from methods.common.flow import FlowScale
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import drops, make_optimiser, one_cycle
from methods.common.windows import Window, random_window, to_network
from methods.menet.clips import Sight, channels_first
from methods.menet.config import MenetConfig
from methods.menet.network import ClipClassifier
from methods.nn.weights import load_checked, read_tensors
from methods.yowo import clips

STUDENT_DROPS = (0.5, 0.75)
"""Shares of the steps at which SGD's rate falls to a tenth: MARS waits for the loss to stay, ours."""


class ClipStage(TrainingStage):
    """Classification of clips that end with an annotated frame: ``teacher`` from flow, ``student`` from RGB.

    Clips are crops of people where the config has the stage ``crops``; a whole clip's classes are those of
    all boxes of its last frame. The student is given the teacher's checkpoint.
    """

    def __init__(
        self,
        name: str,
        config: MenetConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        teacher: Path | None = None,
    ) -> None:
        self.name, self.config, self.info, self.data, self.seed = name, config, info, data, seed
        shuffled = config.training.shuffled_labels
        truth = with_shuffled_labels(data.truth, seed) if shuffled else data.truth
        self.examples = Examples(truth, info, seed)
        distillation = config.distillation
        self.steps = distillation.student_steps if name == "student" else distillation.teacher_steps
        self.teacher_path = teacher
        self.teacher: ClipClassifier | None = None

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        network = classifier(self.config, len(self.info.classes), 3 if self.name == "student" else 2)
        if self.name == "student":
            assert self.teacher_path is not None
            self.teacher = classifier(self.config, len(self.info.classes), 2)
            load_checked(self.teacher, read_tensors(self.teacher_path), str(self.teacher_path))
            self.teacher.requires_grad_(False).to(self.data.device).eval()
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        how = self.config.distillation
        return make_optimiser(how.optimiser, module.parameters(), how.learning_rate, how.weight_decay)

    def learning_rate(self, step: int) -> float:
        how = self.config.distillation
        if how.optimiser == "adamw":
            return one_cycle(how.learning_rate, step, self.steps)
        return drops(how.learning_rate, step, [share * self.steps for share in STUDENT_DROPS], 0.1)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 7, step])
        size = self.config.distillation.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        taught = None
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher.features(batch["flow"])
        clip = batch["rgb"] if self.name == "student" else batch["flow"]
        losses: dict[str, Tensor] = module(clip, batch["label"], taught, self.info.multi_label)
        if taught is not None:
            losses["features"] = self.config.distillation.alpha * losses["features"]
        return losses

    def _example(self, position: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Flow, for the student RGB too, and the label vector of one clip, cut and mirrored alike."""
        model, how, crops = self.config.model, self.config.distillation, self.config.crops
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        labels, mirror = self.examples.mirrored(labels, rng)
        people = label_vectors(to_network(boxes, footage, None, mirror), labels, len(self.info.classes))
        window: Window | None
        if crops.steps:
            window, vector = one_person(*people, crops, rng)
        else:
            window, vector = random_window(model.frame_size, how.zoom, rng), self._of_all(people[1])
        sight = Sight(footage, clips.clip_frames(frame, model), window, bool(crops.steps), mirror, rng)
        flow = sight.flow(FlowScale(how.flow_clip, how.flow_centred))
        example = {"flow": channels_first(flow), "label": torch.from_numpy(vector)}
        if self.name == "student":
            example["rgb"] = clips.unit_clip(sight.rgb(how.colour), model.clip_input)
        return example

    def _of_all(self, labels_GC: Array) -> Array:
        """The label vector of everybody in a clip; where a class excludes the others they share the one."""
        vector: Array = labels_GC.max(axis=0)
        return vector if self.info.multi_label else vector / vector.sum()


def classifier(config: MenetConfig, num_classes: int, in_channels: int) -> ClipClassifier:
    """The clip classifier of that input, from scratch."""
    return ClipClassifier(config.model, config.motion, num_classes, in_channels)


def load_student(network: nn.Module, path: Path) -> None:
    """Give the detector's 3-D branch what the student learnt: all but the layer of classes."""
    learnt = {n: t for n, t in read_tensors(path).items() if not n.startswith("fc.")}
    own = {n: t for n, t in network.state_dict().items() if n not in learnt}
    load_checked(network, learnt | own, str(path), hint="It was distilled with another config")
