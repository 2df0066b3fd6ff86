"""Prediction: the boxes of a frame, each with objectness times the probability of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from bench.footage import Footage
from bench.records import Array, Detections
from bench.speed.marks import FLOW, NETWORK, compiled, part
from methods.base import Info
from methods.common.windows import to_annotation
from methods.two_stream_yolo import clips
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.network import Detector


class Predictor:
    """A trained network."""

    def __init__(self, config: TwoStreamYoloConfig, info: Info, network: Detector) -> None:
        self.config, self.info, self.network = config, info, network.eval()
        self.device = next(network.parameters()).device

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        """Rows of the given frames, boxes in annotation pixels."""
        size = self.config.predict_batch
        parts = [self._batch(footage, frames[first : first + size]) for first in range(0, len(frames), size)]
        return Detections.concat(parts) if parts else Detections.empty([footage.name])

    @torch.no_grad()
    def _batch(self, footage: Footage, frames: Sequence[int]) -> Detections:
        inputs = default_collate([clips.inputs(footage, frame, self.config.model) for frame in frames])
        inputs = {name: value.to(self.device) for name, value in inputs.items()}
        with part(FLOW):
            flow_BFHW = compiled(self.network.flow_of)(inputs)
        with part(NETWORK):
            corners, scores = self.scored(inputs, flow_BFHW)
            found = corners.cpu().numpy(), scores.cpu().numpy()
        return self._rows(footage, frames, *found)

    def scored(self, inputs: dict[str, Tensor], flow_BFHW: Tensor) -> tuple[Tensor, Tensor]:
        """Corners in network pixels (B, R, 4) and scores (B, R, C)."""
        regions = compiled(self.network.regions)(inputs, flow_BFHW)
        boxes_BR4 = regions.boxes(self.network.anchors_A2).flatten(1, 3) * self.network.rgb.config.stride
        half_BR2 = boxes_BR4[..., 2:] / 2
        corners = torch.cat([boxes_BR4[..., :2] - half_BR2, boxes_BR4[..., :2] + half_BR2], dim=-1)
        logits = regions.classes_BAHWC.flatten(1, 3)
        classes = logits.sigmoid() if self.info.multi_label else logits.softmax(dim=-1)
        return corners, regions.objectness_BAHW.flatten(1)[..., None] * classes

    def _rows(
        self, footage: Footage, frames: Sequence[int], boxes_BR4: Array, scores_BRC: Array
    ) -> Detections:
        """A row for every class above the floor of the best boxes; of the best box always its best class."""
        config = self.config
        best_BR = scores_BRC.max(axis=-1)
        order_BK = np.argsort(-best_BR, axis=1, kind="stable")[:, : config.boxes_per_frame]
        kept_BKC = np.take_along_axis(scores_BRC, order_BK[..., None], axis=1)
        shown_BKC = kept_BKC > config.score_floor
        image = np.arange(len(frames))
        shown_BKC[image, 0, kept_BKC[:, 0].argmax(axis=-1)] = True
        image, rank, label = np.nonzero(shown_BKC)
        box = order_BK[image, rank]
        frame = np.asarray(frames)[image]
        corners_N4 = boxes_BR4[image, box].clip(0, np.tile(footage.size, 2))
        return Detections(
            videos=(footage.name,),
            video=np.zeros(len(image), np.int32),
            frame=frame,
            box=frame * boxes_BR4.shape[1] + box,
            boxes_N4=to_annotation(corners_N4, footage),
            label=label,
            score=kept_BKC[image, rank, label],
        )
