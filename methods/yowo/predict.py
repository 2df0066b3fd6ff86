"""Prediction: the boxes of a key-frame, the probability of every class of each, and its objectness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bench.footage import Footage
from bench.records import Array, Detections
from bench.speed.marks import NETWORK, compiled, part
from methods.base import Info
from methods.common.batches import stack
from methods.common.windows import to_annotation
from methods.yowo import clips
from methods.yowo.config import YowoConfig
from methods.yowo.network import YowoNetwork

Inputs = Callable[[Footage, int], Mapping[str, Tensor]]


class Predictor:
    """A trained network; ``inputs`` says what it sees of a frame."""

    def __init__(self, config: YowoConfig, info: Info, network: YowoNetwork, inputs: Inputs | None = None):
        self.config, self.info, self.network = config, info, network.eval()
        self.inputs = inputs or self.clip_inputs
        self.device = next(network.parameters()).device

    def clip_inputs(self, footage: Footage, frame: int) -> Mapping[str, Tensor]:
        """The clip and the key-frame."""
        model = self.config.model
        return clips.inputs(footage.clip(clips.clip_frames(frame, model)), model)

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        """Rows of the given frames, boxes in annotation pixels; ``score`` is the class's probability."""
        size = self.config.predict_batch
        parts = [self._batch(footage, frames[first : first + size]) for first in range(0, len(frames), size)]
        return Detections.concat(parts) if parts else Detections.empty([footage.name])

    @torch.no_grad()
    def _batch(self, footage: Footage, frames: Sequence[int]) -> Detections:
        inputs = stack([self.inputs(footage, frame) for frame in frames])
        inputs = {name: value.to(self.device) for name, value in inputs.items()}
        with part(NETWORK):
            found = self.scored(inputs)
        return self._rows(footage, frames, *(value.cpu().numpy() for value in found))

    def scored(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Corners in network pixels (B, R, 4), objectness (B, R) and class probabilities (B, R, C)."""
        regions = compiled(self.network.regions)(inputs)
        stride = self.config.model.frame_size[1] / regions.objectness_BAHW.shape[2]
        boxes_BR4 = regions.boxes(self.network.anchors_A2).flatten(1, 3) * stride
        corners = torch.cat(
            [boxes_BR4[..., :2] - boxes_BR4[..., 2:] / 2, boxes_BR4[..., :2] + boxes_BR4[..., 2:] / 2], -1
        )
        logits = regions.classes_BAHWC.flatten(1, 3)
        classes = logits.sigmoid() if self.info.multi_label else logits.softmax(dim=-1)
        return corners, regions.objectness_BAHW.flatten(1), classes

    def _rows(
        self, footage: Footage, frames: Sequence[int], boxes: Array, objectness: Array, classes: Array
    ) -> Detections:
        """A row for every class above the floor of the best boxes of each frame."""
        config = self.config
        image, box = np.nonzero(objectness * classes.max(axis=-1) > config.score_floor)
        order = np.lexsort((box, -objectness[image, box], image))
        image, box = image[order], box[order]
        rank = np.arange(len(image)) - np.searchsorted(image, image)
        image, box = image[rank < config.boxes_per_frame], box[rank < config.boxes_per_frame]
        width, height = footage.size
        corners = np.clip(boxes[image, box], 0, [width, height, width, height])
        row, label = np.nonzero(classes[image, box] > config.class_floor)
        frame = np.asarray(frames)[image[row]]
        return Detections(
            videos=(footage.name,),
            video=np.zeros(len(row), np.int32),
            frame=frame,
            box=frame * boxes.shape[1] + box[row],
            boxes_N4=to_annotation(corners[row], footage),
            label=label,
            score=classes[image[row], box[row], label],
            objectness=objectness[image[row], box[row]],
        )
