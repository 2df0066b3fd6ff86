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
from methods.base import Info, TrainingData
from methods.common.batches import stack
from methods.common.crops import one_person
from methods.common.flow import FlowScale
from methods.common.keyframe_stage import KeyFrameStage, Shown
from methods.common.keyframes import with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import drops, make_optimiser
from methods.common.windows import Window, random_window, to_network
from methods.menet.clips import Sight, channels_first
from methods.menet.config import MenetConfig
from methods.menet.network import ClipClassifier
from methods.nn.weights import load_checked, read_tensors
from methods.yowo import clips
from methods.yowo.start import load_trunk

RGB, FLOW = 3, 2
"""Channels of a clip."""
MARS_PIXEL = 127.5 / 20
"""What a pixel of motion is in the clips of MARS's flow network."""
STUDENT_DROPS = (0.5, 0.75)
"""Shares of the steps at which SGD's rate falls to a tenth: MARS waits for the loss to stay, ours."""


class ClipStage(KeyFrameStage):
    """Classification of clips that end with an annotated frame: ``teacher`` from flow, ``student`` from RGB.

    Clips are crops of people where the config has the stage ``crops``; a whole clip's classes are those of
    all boxes of its last frame. The student is given the teacher's checkpoint.
    """

    draws = 7

    def __init__(
        self,
        name: str,
        config: MenetConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        teacher: Path | None = None,
    ) -> None:
        shuffled = config.training.shuffled_labels
        truth = with_shuffled_labels(data.truth, seed) if shuffled else data.truth
        super().__init__(config.distillation, info, data, seed, truth)
        self.name, self.config = name, config
        distillation = config.distillation
        self.steps = distillation.student_steps if name == "student" else distillation.teacher_steps
        self.teacher_path = teacher
        self.teacher: ClipClassifier | None = None

    def network(self) -> ClipClassifier:
        config, classes = self.config, len(self.info.classes)
        if self.name == "teacher":
            return classifier(config, classes, FLOW)
        assert self.teacher_path is not None
        network = classifier(config, classes, RGB)
        if config.model.pretrained_3d:
            load_trunk(network.backbone_3d, config.model.pretrained_3d)
        teacher = load_teacher(config, classes, self.teacher_path)
        self.teacher = teacher.requires_grad_(False).to(self.data.device).eval()
        return network

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        how = self.config.distillation
        return make_optimiser(how.optimiser, module.parameters(), how.learning_rate, how.weight_decay)

    def learning_rate(self, step: int) -> float:
        how = self.config.distillation
        if how.optimiser == "adamw":
            return super().learning_rate(step)
        return drops(how.learning_rate, step, [share * self.steps for share in STUDENT_DROPS], 0.1)

    def batch(self, step: int) -> Any:
        return stack(self.drawn(step))

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

    def example(self, shown: Shown, rng: np.random.Generator) -> dict[str, Tensor]:
        """Flow, for the student RGB too, and the label vector of one clip, cut and mirrored alike."""
        model, how, crops = self.config.model, self.config.distillation, self.config.crops
        footage, mirror = shown.footage, shown.mirror
        boxes = to_network(shown.boxes_G4, footage, None, mirror)
        people = label_vectors(boxes, shown.labels_G, len(self.info.classes))
        window: Window | None
        if crops.steps:
            window, vector = one_person(*people, crops, rng)
        else:
            window, vector = random_window(model.frame_size, how.zoom, rng), self._of_all(people[1])
        frames = clips.clip_frames(shown.frame, model)
        sight = Sight(footage, frames, window, bool(crops.steps), mirror, rng)
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


def load_teacher(config: MenetConfig, num_classes: int, path: Path) -> ClipClassifier:
    """The teacher of a file: what the stage ``teacher`` left, of any classes, or MARS's flow network.

    The latter has no non-local block, and one that has learnt nothing is the identity. It was trained on flow
    in whose pictures 20 pixels are 127.5; here ``flow_clip`` pixels are 1, so its first layer is scaled.
    Raises FileNotFoundError, and ValueError naming the first difference.
    """
    tensors, teacher = read_tensors(path), classifier(config, num_classes, FLOW)
    learnt = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    if any(name.startswith("backbone_3d.") for name in learnt):
        classes = {n: t for n, t in teacher.state_dict().items() if n.startswith("fc.")}
        load_checked(teacher, learnt | classes, str(path), hint="It was trained with another config")
        return teacher
    hint = "A 3D ResNeXt-101 of flow is expected, or a checkpoint of the stage teacher"
    load_checked(teacher.backbone_3d, learnt, str(path), hint=hint)
    with torch.no_grad():
        teacher.backbone_3d.get_parameter("conv1.weight").mul_(MARS_PIXEL * config.distillation.flow_clip)
    return teacher


def load_student(network: nn.Module, path: Path) -> None:
    """Give the detector's 3-D branch what the student learnt: all but the layer of classes."""
    learnt = {n: t for n, t in read_tensors(path).items() if not n.startswith("fc.")}
    own = {n: t for n, t in network.state_dict().items() if n not in learnt}
    load_checked(network, learnt | own, str(path), hint="It was distilled with another config")
