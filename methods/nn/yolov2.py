"""YOLOv2's losses: the standard one, and that of the PyTorch program yolo2-pytorch.

Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger" (CVPR 2017), as darknet's region layer computes it.
Boxes are centre and size in cells of the map; anchors are sizes in cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.region import Matched, Regions, matched

PRIOR = 0.01
"""What it costs a box without truth to differ from its anchor, relative to one with truth."""


@dataclass(frozen=True)
class Yolov2Loss:
    """Weights of the standard loss; the defaults are YOLOv2's. Its parts are means over the images.

    object_weight, background_weight: of half the squared error of the objectness where a box of the truth is
        matched, and elsewhere.
    ignore: elsewhere does not count where the predicted box overlaps any truth by more than this IoU.
    multi_label: classes are independent: binary cross-entropy.
    """

    object_weight: float = 5.0
    background_weight: float = 1.0
    ignore: float = 0.6
    multi_label: bool = False

    def __call__(
        self,
        regions: Regions,
        anchors_A2: Tensor,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        prior: bool = False,
    ) -> dict[str, Tensor]:
        """``box``, ``objectness`` and ``class``; boxes and labels as in :func:`matched`.

        prior: boxes without truth are drawn to their anchors in the middle of their cells.
        """
        found = matched(regions, anchors_A2, boxes, labels)
        weights = self.object_weight, self.background_weight
        parts = {
            "box": self._box(regions, anchors_A2, found, prior),
            "objectness": found.objectness_loss(regions.objectness_BAHW, weights, self.ignore),
            "class": self._class(regions.classes_BAHWC[found.place], found.label_GC),
        }
        return {name: part / len(boxes) for name, part in parts.items()}

    def _box(self, regions: Regions, anchors_A2: Tensor, found: Matched, prior: bool) -> Tensor:
        """Half the squared error of centre and logarithmic size, small boxes counting up to twice as much."""
        height, width = regions.objectness_BAHW.shape[2:]
        predicted = torch.cat([regions.centre_BAHW2, regions.size_BAHW2], dim=-1)
        size_G2 = (found.box_G4[:, 2:] / anchors_A2[found.place[1]]).log()
        weight_G1 = 2 - found.box_G4[:, 2:].prod(dim=1, keepdim=True) / (height * width)
        truth_G4 = torch.cat([found.centre_G2, size_G2], dim=1)
        total = (weight_G1 * (predicted[found.place] - truth_G4) ** 2).sum() / 2
        if prior:
            middle = predicted.new_tensor([0.5, 0.5, 0.0, 0.0])
            weight = torch.full_like(predicted, PRIOR)
            weight[found.place] = 0
            total = total + (weight * (predicted - middle) ** 2).sum() / 2
        return total

    def _class(self, logits_GC: Tensor, label_GC: Tensor) -> Tensor:
        if self.multi_label:
            return F.binary_cross_entropy_with_logits(logits_GC, label_GC, reduction="sum")
        return F.cross_entropy(logits_GC, label_GC, reduction="sum")


@dataclass(frozen=True)
class ReleasedLoss:
    """The loss of yolo2-pytorch, odd as it is: sums over the batch over the number of boxes of the truth.

    Sizes are compared without logarithm; boxes without truth are drawn to their anchors throughout; classes
    have the squared error of their probabilities; the weight of an objectness is its own distance, so that
    this distance counts to the power of four on background. Of two boxes at one place that program teaches
    both classes, this one the class of the last.

    pixel: side of a pixel in cells: its IoU takes extents as inclusive.
    """

    pixel: float
    object_weight: float = 5.0
    ignore: float = 0.6
    multi_label: bool = False

    def __call__(
        self,
        regions: Regions,
        anchors_A2: Tensor,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        prior: bool = False,
    ) -> dict[str, Tensor]:
        """As of :class:`Yolov2Loss`; ``prior`` changes nothing."""
        found = matched(regions, anchors_A2, boxes, labels, self.pixel)
        logits_GC = regions.classes_BAHWC[found.place]
        classes_GC = logits_GC.sigmoid() if self.multi_label else logits_GC.softmax(dim=-1)
        parts = {
            "box": self._box(regions, anchors_A2, found),
            "objectness": self._objectness(regions.objectness_BAHW, found),
            "class": (classes_GC - found.label_GC).square().sum(),
        }
        return {name: part / max(1, sum(map(len, boxes))) for name, part in parts.items()}

    def _box(self, regions: Regions, anchors_A2: Tensor, found: Matched) -> Tensor:
        predicted = torch.cat([regions.centre_BAHW2, regions.size_BAHW2.exp()], dim=-1)
        weight, target = torch.full_like(predicted, PRIOR), torch.ones_like(predicted)
        target[..., :2] = 0.5
        weight[found.place] = 1
        target[found.place] = torch.cat(
            [found.centre_G2, found.box_G4[:, 2:] / anchors_A2[found.place[1]]], dim=1
        )
        return (weight * (predicted - target)).square().sum()

    def _objectness(self, objectness_BAHW: Tensor, found: Matched) -> Tensor:
        said = objectness_BAHW.detach()
        weight, target = said * (found.best_BAHW <= self.ignore), torch.zeros_like(said)
        weight[found.place] = self.object_weight * (1 - said[found.place])
        target[found.place] = found.overlap_G
        return (weight * (objectness_BAHW - target)).square().sum()
