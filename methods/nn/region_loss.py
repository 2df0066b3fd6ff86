"""The loss with which YOWO trains YOLOv2's region head.

That of its program in the state of 2020 (Koepueklue et al., "You Only Watch Once", 2019), its sums over the
batch included. Boxes are centre and size in cells of the map; anchors are sizes in cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.region import Matched, Regions, matched


@dataclass(frozen=True)
class RegionLoss:
    """Weights of the loss; the defaults are YOWO's.

    object_weight, background_weight: of the squared error of the objectness where a box of the truth is
        matched, and elsewhere.
    ignore: elsewhere does not count where the predicted box overlaps any truth by more than this IoU.
    focus: exponent of the focal loss of the classes (Lin et al. 2017).
    multi_label: classes are independent: binary cross-entropy, without focus.
    """

    object_weight: float = 5.0
    background_weight: float = 1.0
    ignore: float = 0.6
    focus: float = 2.0
    multi_label: bool = False

    def __call__(
        self,
        regions: Regions,
        anchors_A2: Tensor,
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        prior: bool = False,
    ) -> dict[str, Tensor]:
        """The parts of the loss, summed over the batch.

        boxes: of each image (G, 4), centre and size in cells; labels: (G, C), 1 where a class applies.
        prior: all anchors without truth are drawn to the middle of their cell and the anchor's size, as
        YOLOv2 begins its training.
        """
        found = matched(regions, anchors_A2, boxes, labels)
        weights = self.object_weight, self.background_weight
        return {
            **_coordinates(regions, anchors_A2, found, prior),
            "objectness": found.objectness_loss(regions.objectness_BAHW, weights, self.ignore),
            "class": self._class(regions.classes_BAHWC[found.place], found.label_GC),
        }

    def _class(self, logits_GC: Tensor, label_GC: Tensor) -> Tensor:
        """Focal loss of the softmax, or with several labels a box the binary cross-entropy."""
        if self.multi_label:
            return F.binary_cross_entropy_with_logits(logits_GC, label_GC, reduction="sum")
        log_GC = logits_GC.log_softmax(dim=-1)
        return -(label_GC * (1 - log_GC.exp()) ** self.focus * log_GC).sum()


def _coordinates(regions: Regions, anchors_A2: Tensor, found: Matched, prior: bool) -> dict[str, Tensor]:
    """Half the smooth L1 distance of centre and logarithmic size to the truth."""
    place = found.place
    size_G2 = (found.box_G4[:, 2:] / anchors_A2[place[1]]).log()
    parts = {
        "centre": (regions.centre_BAHW2, found.centre_G2, 0.5),
        "size": (regions.size_BAHW2, size_G2, 0.0),
    }
    losses = {}
    for name, (predicted, truth_G2, middle) in parts.items():
        if prior:
            target = torch.full_like(predicted, middle)
            target[place] = truth_G2
            losses[name] = F.smooth_l1_loss(predicted, target, reduction="sum") / 2
        else:
            losses[name] = F.smooth_l1_loss(predicted[place], truth_G2, reduction="sum") / 2
    return losses
