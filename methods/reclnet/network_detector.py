"""Faster R-CNN as the making of tracks wants a detector: pictures and boxes in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.records import Array
from methods.nn.faster_rcnn.network import FasterRCNN
from methods.reclnet.detecting import Found


class NetworkDetector:
    """A :class:`methods.reclnet.detecting.Detector`; its network is in eval mode from then on."""

    def __init__(self, network: FasterRCNN) -> None:
        self._network = network.eval()
        self.frames = network.frames

    def detect(self, clips_BKHW3: Array) -> list[Found]:
        """As the protocol says; every class has a box of its own."""
        found = self._network.detect(self._tensor(clips_BKHW3))
        return [Found(_array(f.class_boxes_NCK4[:, 1:]), _array(f.scores_NC)) for f in found]

    def describe(self, images_BHW3: Array, boxes: Sequence[Array]) -> tuple[Array, Array]:
        """As the protocol says."""
        boxes_n14 = [self._on_device(boxes_n4[:, None]) for boxes_n4 in boxes]
        scores_NC, features_ND = self._network.describe(self._tensor(images_BHW3[:, None]), boxes_n14)
        return _array(scores_NC), _array(features_ND)

    def _tensor(self, clips_BKHW3: Array) -> Tensor:
        return self._on_device(clips_BKHW3).movedim(-1, 2)

    def _on_device(self, array: Array) -> Tensor:
        return torch.tensor(array, device=next(self._network.parameters()).device)


def _array(values: Tensor) -> Array:
    return values.float().cpu().numpy()
