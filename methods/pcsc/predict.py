"""Prediction: the boxes of every stage and, where it is trained, the actionness of each for its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Footage
from bench.records import STREAMS, Detections
from bench.speed.marks import NETWORK, compiled, part
from methods.base import Info
from methods.common.batches import stack
from methods.common.windows import to_annotation
from methods.nn.weights import load_network
from methods.pcsc.clips import clip_tensors
from methods.pcsc.config import PcscConfig
from methods.pcsc.network import PcscNetwork
from methods.pcsc.regions import StageBoxes


@dataclass(frozen=True)
class FrameRows:
    """Rows of one frame, one a (box, label), boxes in network pixels."""

    boxes_N4: Tensor
    label: Tensor
    score: Tensor
    stage: Tensor
    stream: Tensor


class Predictor:
    """A trained network, and a linear actionness detector a class on its last features."""

    def __init__(self, config: PcscConfig, network: PcscNetwork, actionness: nn.Linear | None) -> None:
        self.config, self.network, self.actionness = config, network.eval(), actionness
        self.device = next(network.parameters()).device

    @classmethod
    def load(cls, config: PcscConfig, info: Info, checkpoints: Mapping[str, Path], device: str) -> Predictor:
        """From the checkpoints of the training stages. Raises ValueError for one of another config."""
        found = cls.begin(config, info, "actionness" in checkpoints)
        load_network(found.network, checkpoints["detector"])
        if found.actionness is not None:
            load_network(found.actionness, checkpoints["actionness"])
        return found.to(device)

    @classmethod
    def begin(cls, config: PcscConfig, info: Info, actionness: bool) -> Predictor:
        """With random weights, on the CPU; ``actionness``: with its detectors."""
        network = PcscNetwork(config.model, config.training, len(info.classes), info.multi_label)
        return cls(config, network, actionness_layer(config, len(info.classes)) if actionness else None)

    def to(self, device: str) -> Predictor:
        """The same on a device."""
        actionness = None if self.actionness is None else self.actionness.to(device)
        return Predictor(self.config, self.network.to(device), actionness)

    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        """Rows of every stage of the given frames, boxes in annotation pixels."""
        return self.predict_with_features(footage, frames, keep_features=False)[0]

    @torch.no_grad()
    def predict_with_features(
        self, footage: Footage, frames: Sequence[int], keep_features: bool = True
    ) -> tuple[Detections, np.ndarray]:
        """As :meth:`predict`, and the last features of every row, float16 [N, D] ([0, 0] when not kept)."""
        parts, features = [], []
        size = self.config.predict_batch
        for first in range(0, len(frames), size):
            rows, fc7 = self._batch(footage, frames[first : first + size], keep_features)
            parts.append(rows)
            features.append(fc7)
        if not parts:
            return Detections.empty([footage.name]), np.zeros((0, 0), np.float16)
        return Detections.concat(parts), np.concatenate(features)

    def _batch(
        self, footage: Footage, frames: Sequence[int], keep_features: bool
    ) -> tuple[Detections, np.ndarray]:
        clips = stack([clip_tensors(footage, frame, self.config.model) for frame in frames])
        inputs = {name: value.to(self.device) for name, value in clips.items()}
        with part(NETWORK):
            stages, pyramids = compiled(self.network.detect)(inputs)
        rows = [self._rows(image) for image in stages]
        features = actionness = None
        if keep_features or self.actionness is not None:
            with part(NETWORK):
                features = self.network.last_features(pyramids, [r.boxes_N4 for r in rows])
        if self.actionness is not None:
            label = torch.cat([r.label for r in rows])
            logits = self.actionness(features)
            actionness = logits.gather(1, label[:, None])[:, 0].sigmoid().float().cpu().numpy()
        kept = features.half().cpu().numpy() if keep_features and features is not None else np.zeros((0, 0))
        return self._detections(footage, frames, rows, actionness), kept

    def _rows(self, image: Sequence[StageBoxes]) -> FrameRows:
        boxes, labels, scores, stages, streams = [], [], [], [], []
        for found in image:
            box, label, score = found.rows(self.config.score_floor, self.config.rows_per_stage)
            boxes.append(box)
            labels.append(label)
            scores.append(score)
            stages.append(torch.full_like(label, found.stage))
            streams.append(torch.full_like(label, STREAMS.index(found.stream)))
        return FrameRows(*(torch.cat(c) for c in (boxes, labels, scores, stages, streams)))

    def _detections(
        self,
        footage: Footage,
        frames: Sequence[int],
        rows: Sequence[FrameRows],
        actionness: np.ndarray | None,
    ) -> Detections:
        def column(name: str) -> np.ndarray:
            values = torch.cat([getattr(r, name) for r in rows])
            return (values.float() if values.is_floating_point() else values).cpu().numpy()

        counts = [len(r.label) for r in rows]
        frame = np.repeat(np.asarray(frames), counts)
        place = np.concatenate([np.arange(n) for n in counts])
        most = len(self.network.heads) * self.config.rows_per_stage
        return Detections(
            videos=(footage.name,),
            video=np.zeros(len(frame), np.int32),
            frame=frame,
            box=frame * most + place,
            boxes_N4=to_annotation(column("boxes_N4"), footage),
            label=column("label"),
            score=column("score"),
            stream=column("stream"),
            stage=column("stage"),
            actionness=actionness,
        )


def actionness_layer(config: PcscConfig, num_classes: int) -> nn.Linear:
    """One linear detector a class on the fc7 features of both streams (ours: layers unstated)."""
    return nn.Linear(config.model.head_channels * len(config.model.streams), num_classes)
