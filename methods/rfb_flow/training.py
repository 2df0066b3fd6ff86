"""The training stage of RFB-Flow, end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from methods.base import Info, TrainingData, TrainingStage
from methods.common.batches import stack
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.schedules import drops, make_optimiser, one_cycle
from methods.common.windows import Window, random_window, to_network, visible
from methods.nn.multibox import MultiboxLoss
from methods.rfb_flow import augment, clips
from methods.rfb_flow.config import RfbFlowConfig, TrainingConfig
from methods.rfb_flow.network import RfbFlowNetwork
from methods.rfb_flow.sampling import stepped

HEADS = ("loc.", "conf.")
Build = Callable[[], RfbFlowNetwork]


class DetectorStage(TrainingStage):
    """The whole network from its start, which ``build`` makes; its flow network learns after a share of the
    steps."""

    name = "detector"

    def __init__(
        self, config: RfbFlowConfig, info: Info, data: TrainingData, seed: int, build: Build
    ) -> None:
        self.config, self.info, self.data, self.seed, self.build = config, info, data, seed, build
        training = config.training
        truth = with_shuffled_labels(data.truth, seed) if training.shuffled_labels else data.truth
        self.examples = Examples(truth, info, seed, background=training.background)
        if training.frame_steps:
            self.examples.keys = stepped(self.examples.keys, training.frame_steps)
        self.steps = training.steps
        self.network: RfbFlowNetwork | None = None
        self.loss = MultiboxLoss(
            least_negatives=training.least_negatives, focus=training.focus, multi_label=info.multi_label
        )

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        self.network = self.build()
        return self.network.train()

    @property
    def inside(self) -> bool:
        """Whether flow is estimated inside the network."""
        return self.network is not None and self.network.flow is not None

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.config.training
        groups = list(parameter_groups(module, training))
        return make_optimiser(training.optimiser, groups, training.learning_rate, training.weight_decay)

    def learning_rate(self, step: int) -> float:
        training = self.config.training
        if training.one_cycle:
            return one_cycle(training.learning_rate, step, self.steps)
        return drops(training.learning_rate, step, training.milestones, 0.1)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 1, step])
        size = self.config.training.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        learns = step >= self.config.training.flow_released * self.steps
        inputs = stack([inputs for inputs, _, _ in examples])
        if self.network is not None and not learns:
            inputs = self.network.known(inputs, self.data.device)
        return {
            "inputs": inputs,
            "boxes": [boxes for _, boxes, _ in examples],
            "labels": [labels for _, _, labels in examples],
            "flow_learns": learns,
        }

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        offsets, logits = module(batch["inputs"], batch["flow_learns"])
        return self.loss(offsets, logits, module.priors_P4, batch["boxes"], batch["labels"])  # type: ignore[arg-type]

    def _example(self, position: int, rng: np.random.Generator) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Inputs, boxes_G4 in shares of the frame and label vectors_GK of one key-frame."""
        training, size = self.config.training, self.config.model.frame_size
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        whole = to_network(boxes, footage)
        window = chosen_window(training, whole, size, rng)
        mirror = False
        if training.flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        placed = to_network(boxes, footage, window, mirror)
        seen = visible(placed) & augment.centre_inside(whole, window)
        placed, vectors = label_vectors(placed[seen], labels[seen], len(self.info.classes))
        inputs = self._inputs(video, frame, window, mirror, rng)
        shares = (placed / np.tile(size, 2)).astype(np.float32)
        return inputs, torch.from_numpy(shares), torch.from_numpy(vectors)

    def _inputs(
        self, video: str, frame: int, window: Window | None, mirror: bool, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Frames and, where it was computed before, flow; cut out, mirrored and distorted in colour alike."""
        footage = self.data.footage[video]
        kind = self.config.model.flow_pairs
        numbers = clips.clip_frames(frame, len(footage), kind) if self.inside else np.array([frame])
        frames = footage.clip(numbers)
        if self.config.training.colour:
            frames = augment.distorted(frames, rng)
        frames = augment.taken(frames, window)
        found = {"frames": clips.pictures(frames[:, :, ::-1] if mirror else frames)}
        if not self.inside:
            found["flow"] = clips.fields(footage, frame, window, mirror)
        return found


def chosen_window(
    training: TrainingConfig, boxes_N4: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> Window | None:
    """The part of the frame that is seen, or the larger frame that it lies in."""
    if training.windows == "crop":
        return augment.crop_window(boxes_N4, size, rng)
    if training.windows == "expand":
        return augment.expanded_window(size, rng)
    return random_window(size, training.zoom, rng)


def parameter_groups(module: nn.Module, training: TrainingConfig) -> Iterator[dict[str, Any]]:
    """Parameters that learn at one rate: weights; biases, without decay; the flow network; each of these
    slower where crops taught it, as they did all but the heads."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        kind = training.flow_rate, True
        if not name.startswith("flow."):
            taught = 1.0 if name.startswith(HEADS) else training.taught_rate
            bias = name.endswith(".bias")
            kind = (training.bias_rate if bias else 1.0) * taught, not bias
        groups.setdefault(kind, []).append(parameter)
    for (rate, decays), parameters in groups.items():
        yield {"params": parameters, "lr_scale": rate} | ({} if decays else {"weight_decay": 0.0})
