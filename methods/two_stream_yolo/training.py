"""The detector's training stage, end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from bench.records import Array, GroundTruth
from methods.base import Info, TrainingData, TrainingStage
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import make_optimiser, one_cycle
from methods.common.windows import to_network, visible
from methods.nn.anchors import clustered, network_sizes
from methods.nn.yolov2 import ReleasedLoss, Yolov2Loss
from methods.two_stream_yolo import clips
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.network import Detector


class OneOfEveryVideo(Examples):
    """Key-frames of which an epoch has one of every video, drawn at random (section IV.C)."""

    def __init__(self, truth: GroundTruth, info: Info, seed: int, background: float = 0.0) -> None:
        super().__init__(truth, info, seed, background=background)
        first = np.flatnonzero(np.diff(self.keys.video, prepend=-1))
        self._bounds = np.append(first, len(self.keys))

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def order(self, epoch: int) -> Array:
        if self._shuffled is None or self._shuffled[0] != epoch:
            rng = np.random.default_rng([self.seed, 2, epoch])
            drawn = self._bounds[:-1] + np.floor(rng.random(len(self)) * np.diff(self._bounds)).astype(int)
            self._shuffled = (epoch, rng.permutation(drawn))
        return self._shuffled[1]


class DetectorStage(TrainingStage):
    """The whole network from its start, which ``build`` makes."""

    name = "detector"

    def __init__(
        self,
        config: TwoStreamYoloConfig,
        info: Info,
        data: TrainingData,
        seed: int,
        build: Callable[[], Detector],
    ) -> None:
        self.config, self.info, self.data, self.seed, self.build = config, info, data, seed, build
        training = config.training
        truth = with_shuffled_labels(data.truth, seed) if training.shuffled_labels else data.truth
        kind = OneOfEveryVideo if training.per_video else Examples
        self.examples = kind(truth, info, seed, background=training.background)
        self.steps = training.steps
        self.network: Detector | None = None
        self.loss: Yolov2Loss | ReleasedLoss = Yolov2Loss(multi_label=info.multi_label)

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        network = self.network = self.build()
        if network.flow is not None:
            network.flow.requires_grad_(self.config.training.flow_rate > 0)
        model, stride = self.config.model, network.rgb.config.stride
        if not model.anchors:
            sizes = network_sizes(self.data.truth, model.frame_size) / stride
            found = clustered(sizes, network.num_anchors, self.seed)
            network.anchors_A2.copy_(torch.from_numpy(found).float())
        if self.config.training.released_loss:
            self.loss = ReleasedLoss(1 / stride, multi_label=self.info.multi_label)
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.config.training
        parts: dict[bool, list[nn.Parameter]] = {False: [], True: []}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                parts[name.startswith("flow.")].append(parameter)
        groups: list[dict[str, Any]] = [{"params": parts[False]}]
        if parts[True]:
            groups.append({"params": parts[True], "lr_scale": training.flow_rate})
        return make_optimiser(training.optimiser, groups, training.learning_rate, training.weight_decay)

    def learning_rate(self, step: int) -> float:
        training = self.config.training
        if training.one_cycle:
            return one_cycle(training.learning_rate, step, self.steps)
        return training.learning_rate

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 1, step])
        size = self.config.training.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        inputs, learns = default_collate([inputs for inputs, _, _ in examples]), self._flow_learns(step)
        if self.network is not None and not learns:
            inputs = self.network.known(inputs, self.data.device)
        return {
            "inputs": inputs,
            "boxes": [boxes for _, boxes, _ in examples],
            "labels": [labels for _, _, labels in examples],
            "prior": step * size < self.config.training.prior_examples,
            "flow_learns": learns,
        }

    def _flow_learns(self, step: int) -> bool:
        training = self.config.training
        return training.flow_rate > 0 and step >= training.flow_released * self.steps

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        truth = batch["boxes"], batch["labels"]
        return module(batch["inputs"], *truth, self.loss, batch["prior"], batch["flow_learns"])

    def _example(self, position: int, rng: np.random.Generator) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Inputs, boxes_G4 in network pixels and label vectors_GC of one frame."""
        augmentation, mirror = self.config.augmentation, False
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        if augmentation.flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        view = clips.random_view(augmentation, self.config.model.frame_size, mirror, rng)
        placed = to_network(boxes, footage, view.window, mirror)
        seen = visible(placed)
        placed, vectors = label_vectors(placed[seen], labels[seen], len(self.info.classes))
        inputs = clips.inputs(footage, frame, self.config.model, view)
        return inputs, torch.from_numpy(placed), torch.from_numpy(vectors)
