"""Training of the detector of one stream on annotated frames, or on stacks of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.flow.encodings import image
from bench.footage import Footage
from bench.keys import pair_keys
from bench.records import Array, GroundTruth, TruthBoxes
from methods.base import Info, TrainingData, TrainingStage
from methods.common.colour import distorted
from methods.common.flow import FlowScale, scaled_flow
from methods.common.keyframes import Examples, KeyFrames, with_shuffled_labels
from methods.common.schedules import drops, make_optimiser, one_cycle
from methods.common.windows import Window, cut, random_window, to_network, visible
from methods.nn.faster_rcnn.matching import Truth
from methods.nn.faster_rcnn.network import FasterRCNN
from methods.reclnet.config import DetectorTraining
from methods.reclnet.pictures import at_size

PIXELS = 127.0
"""Of motion that are clipped; the flow picture saturates far below."""
DRIFT, DRIFT_PICTURE = 20.0, (320, 240)
"""Pixels that a tracked box may be away from the drawn one, in a picture of that width and height."""


class DetectorStage(TrainingStage):
    """The detector of a stream, ``rgb`` or ``flow``, which ``build`` makes.

    Learnt from are the boxes that people drew, or stacks of boxes (:func:`stacked`).
    """

    def __init__(
        self,
        stream: str,
        training: DetectorTraining,
        info: Info,
        data: TrainingData,
        seed: int,
        build: Callable[[], FasterRCNN],
    ) -> None:
        self.name, self.training, self.info, self.data, self.seed = stream, training, info, data, seed
        self.build, self.steps = build, training.steps
        self.truth = self._labelled(data.truth)

    def prepare(self, folder: Path) -> nn.Module:
        torch.manual_seed(self.seed)
        network = self.build()
        self.frames = network.frames
        drawn = None if self.data.key_truth is None else self._labelled(self.data.key_truth)
        self.examples = Examples(self.truth, self.info, self.seed, background=self.training.background)
        self.examples.keys = stacked(self.truth, self.frames, drawn)
        self.examples.empty = empty_stacks(*self.examples.empty, self.frames)
        return network.train()

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        training = self.training
        learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
        return make_optimiser(training.optimiser, learnt, training.learning_rate, training.weight_decay)

    def learning_rate(self, step: int) -> float:
        training = self.training
        if training.one_cycle:
            return one_cycle(training.learning_rate, step, self.steps)
        return drops(training.learning_rate, step, training.milestones, 0.1)

    def batch(self, step: int) -> Any:
        rng = np.random.default_rng([self.seed, 1, step])
        size = self.training.batch
        examples = [self._example(position, rng) for position in range(step * size, (step + 1) * size)]
        return {
            "images": torch.stack([images for images, _, _ in examples]),
            "boxes": [boxes for _, boxes, _ in examples],
            "labels": [labels for _, _, labels in examples],
        }

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        truth = [Truth(boxes, labels) for boxes, labels in zip(batch["boxes"], batch["labels"])]
        losses: dict[str, Tensor] = module(batch["images"], truth)
        return losses

    def _labelled(self, truth: GroundTruth) -> GroundTruth:
        return with_shuffled_labels(truth, self.seed) if self.training.shuffled_labels else truth

    def _example(self, position: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (K, 3, H, W), boxes_GK4 in their pixels, 0-based labels_G of one stack."""
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage = self.data.footage[video]
        window, mirror = random_window(footage.size, self.training.zoom, rng), False
        if self.training.flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        boxes_GK4 = boxes.reshape(len(labels), self.frames, 4)
        placed = to_network(boxes_GK4.reshape(-1, 4), footage, window, mirror).reshape(boxes_GK4.shape)
        seen = visible(placed.reshape(-1, 4)).reshape(placed.shape[:2]).all(axis=1)
        numbers = np.minimum(frame + np.arange(self.frames), len(footage) - 1)
        shown = self._pictures(footage, numbers, window, mirror, rng)
        return (
            torch.from_numpy(np.ascontiguousarray(shown.transpose(0, 3, 1, 2))),
            torch.from_numpy(placed[seen]),
            torch.from_numpy(labels[seen].astype(np.int64)),
        )

    def _pictures(
        self, footage: Footage, numbers: Array, window: Window | None, mirror: bool, rng: np.random.Generator
    ) -> Array:
        """uint8 [K, H, W, 3], cut out, mirrored, and where they are colours distorted."""
        if self.name == "flow":
            flow = scaled_flow(footage, numbers, FlowScale(PIXELS), window, mirror) * np.float32(PIXELS)
            return at_size(image(flow.astype(np.float32)), footage.size)
        rgb = distorted(cut(footage.clip(numbers), window), self.training.colour, rng)
        return rgb[:, :, ::-1] if mirror else rgb


def stacked(truth: GroundTruth, frames: int, drawn: GroundTruth | None = None) -> KeyFrames:
    """Key-frames from which some tube has a box in so many consecutive frames; their boxes are [N, K, 4].

    drawn: the boxes that people drew, where a tracker added those of ``truth`` (DALY). Then single frames are
    those of ``drawn``, and a stack has such a frame in its middle and tracked boxes all over; it is left out
    where the tracked box of the middle is more than 20 pixels of a picture of 320 x 240 away (section 6; the
    20 pixels are the authors' program's). Raises ValueError where there is none.
    """
    if drawn is not None and frames == 1:
        truth, drawn = drawn, None
    boxes = truth.boxes
    if truth.excluded_frames is not None:
        excluded = pair_keys(*truth.excluded_frames.T)
        boxes = boxes[~np.isin(pair_keys(boxes.video, boxes.frame), excluded)]
        truth = replace(truth, boxes=boxes, excluded_frames=None)
    row_NK, whole_N = _runs(boxes, frames)
    if drawn is not None and len(boxes):
        whole_N &= _about_drawn(boxes[row_NK[:, frames // 2]], drawn)
    if not whole_N.any():
        raise ValueError(
            f"no person is annotated in {frames} consecutive frames; extend the key-frames by a tracker "
            "(`bench data extend`), or take tracks of single frames (--variant frame-tracks)"
        )
    keys = KeyFrames.of(replace(truth, boxes=boxes[whole_N]))
    starts = np.flatnonzero(whole_N)
    starts = starts[np.lexsort((boxes.frame[starts], boxes.video[starts]))]
    return replace(keys, boxes_N4=boxes.boxes_N4[row_NK[starts]])


def _runs(boxes: TruthBoxes, frames: int) -> tuple[Array, Array]:
    """Rows of the boxes of each one's tube in its frame and those after it, [N, K], and whether all are
    there; of a frame that has none some other row."""
    key_N = pair_keys(boxes.tube, boxes.frame)
    order = np.argsort(key_N, kind="stable")
    wanted_NK = key_N[:, None] + np.arange(frames)
    row_NK = order[np.minimum(np.searchsorted(key_N[order], wanted_NK), len(key_N) - 1)]
    return row_NK, (key_N[row_NK] == wanted_NK).all(axis=1)


def _about_drawn(boxes: TruthBoxes, drawn: GroundTruth) -> Array:
    """Whether each tracked box lies on a frame whose box was drawn, and near that, bool [N]."""
    key_D = pair_keys(drawn.boxes.tube, drawn.boxes.frame)
    order = np.argsort(key_D, kind="stable")
    key_N = pair_keys(boxes.tube, boxes.frame)
    row_N = order[np.minimum(np.searchsorted(key_D[order], key_N), len(key_D) - 1)]
    table = drawn.videos
    pixel_N2 = np.stack([table.width, table.height], 1)[boxes.video] / np.array(DRIFT_PICTURE)
    apart_N4 = np.abs(boxes.boxes_N4 - drawn.boxes.boxes_N4[row_N]) / np.tile(pixel_N2, 2)
    return (key_D[row_N] == key_N) & (apart_N4.max(axis=1) <= DRIFT)


def empty_stacks(video_N: Array, frame_N: Array, frames: int) -> tuple[Array, Array]:
    """Those (video, frame), by video, then frame, that so many consecutive ones of the list begin with."""
    place_N = pair_keys(video_N, frame_N)
    count = max(len(place_N) - frames + 1, 0)
    begins = place_N[frames - 1 :] - place_N[:count] == frames - 1
    return video_N[:count][begins], frame_N[:count][begins]
