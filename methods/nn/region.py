"""The region head of YOLOv2: what its map says, and the loss that YOWO trains it with.

Redmon and Farhadi 2017, section 2 ("direct location prediction"); the loss is that of YOWO's program in the
state of 2020 (Koepueklue et al., "You Only Watch Once", 2019), its sums over the batch included. Boxes are
centre and size in cells of the map; anchors are sizes in cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Regions(NamedTuple):
    """A head's map taken apart, one entry an image, anchor and cell.

    centre_BAHW2: place of the box's centre within its cell, 0..1. size_BAHW2: logarithm of its size over the
    anchor's. objectness_BAHW: probability. classes_BAHWC: logits.
    """

    centre_BAHW2: Tensor
    size_BAHW2: Tensor
    objectness_BAHW: Tensor
    classes_BAHWC: Tensor

    @classmethod
    def of(cls, map_BFHW: Tensor, num_anchors: int) -> Regions:
        """From the last convolution's map, F = anchors * (5 + classes)."""
        parts = map_BFHW.unflatten(1, (num_anchors, -1)).permute(0, 1, 3, 4, 2)
        return cls(parts[..., :2].sigmoid(), parts[..., 2:4], parts[..., 4].sigmoid(), parts[..., 5:])

    def boxes(self, anchors_A2: Tensor) -> Tensor:
        """Centre x, y and width, height in cells, (B, A, H, W, 4)."""
        height, width = self.objectness_BAHW.shape[2:]
        rows, columns = torch.meshgrid(
            torch.arange(height, device=anchors_A2.device),
            torch.arange(width, device=anchors_A2.device),
            indexing="ij",
        )
        centre = self.centre_BAHW2 + torch.stack([columns, rows], dim=-1)
        return torch.cat([centre, self.size_BAHW2.exp() * anchors_A2[:, None, None]], dim=-1)


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
        image_G = torch.cat([torch.full((len(b),), i, device=b.device) for i, b in enumerate(boxes)])
        box_G4, label_GC = torch.cat(list(boxes)), torch.cat(list(labels))
        predicted = regions.boxes(anchors_A2).detach()
        place = places(image_G, box_G4, anchors_A2, regions)
        alone_G = last_at_its_place(place)
        place = tuple(column[alone_G] for column in place)
        box_G4, label_GC = box_G4[alone_G], label_GC[alone_G]
        overlap_G = iou(predicted[place], box_G4)
        return {
            **_coordinates(regions, anchors_A2, place, box_G4, prior),
            "objectness": self._objectness(regions, predicted, boxes, place, overlap_G),
            "class": self._class(regions.classes_BAHWC[place], label_GC),
        }

    def _objectness(
        self, regions: Regions, predicted: Tensor, boxes: Sequence[Tensor], place: Place, overlap_G: Tensor
    ) -> Tensor:
        """Half the weighted squared error to the IoU where matched, to 0 elsewhere."""
        objectness = regions.objectness_BAHW
        weight = torch.full_like(objectness, self.background_weight)
        for image, truth_G4 in enumerate(boxes):
            if len(truth_G4):
                best = iou(predicted[image][..., None, :], truth_G4).amax(dim=-1)
                weight[image][best > self.ignore] = 0
        target = torch.zeros_like(objectness)
        weight[place], target[place] = self.object_weight, overlap_G
        return (weight * (objectness - target) ** 2).sum() / 2

    def _class(self, logits_GC: Tensor, label_GC: Tensor) -> Tensor:
        """Focal loss of the softmax, or with several labels a box the binary cross-entropy."""
        if self.multi_label:
            return F.binary_cross_entropy_with_logits(logits_GC, label_GC, reduction="sum")
        log_GC = logits_GC.log_softmax(dim=-1)
        return -(label_GC * (1 - log_GC.exp()) ** self.focus * log_GC).sum()


Place = tuple[Tensor, ...]
"""Image, anchor, row and column of each box of the truth."""


def places(image_G: Tensor, box_G4: Tensor, anchors_A2: Tensor, regions: Regions) -> Place:
    """The cell of a box's centre, and the anchor whose shape overlaps it most."""
    height, width = regions.objectness_BAHW.shape[2:]
    common_GA = torch.minimum(box_G4[:, None, 2:], anchors_A2).prod(dim=-1)
    union_GA = box_G4[:, 2:].prod(dim=-1)[:, None] + anchors_A2.prod(dim=-1) - common_GA
    column_G = box_G4[:, 0].long().clamp(0, width - 1)
    row_G = box_G4[:, 1].long().clamp(0, height - 1)
    return image_G, (common_GA / union_GA).argmax(dim=1), row_G, column_G


def last_at_its_place(place: Place) -> Tensor:
    """Whether no later box of the truth has the same image, anchor and cell: a place holds one box."""
    key_G4 = torch.stack(place, dim=1)
    same_GG = (key_G4[:, None] == key_G4).all(dim=-1)
    return ~same_GG.triu(diagonal=1).any(dim=1)


def _coordinates(
    regions: Regions, anchors_A2: Tensor, place: Place, box_G4: Tensor, prior: bool
) -> dict[str, Tensor]:
    """Half the smooth L1 distance of centre and logarithmic size to the truth."""
    cell_G2 = torch.stack([place[3], place[2]], dim=1)
    centre_G2 = box_G4[:, :2] - cell_G2
    size_G2 = (box_G4[:, 2:] / anchors_A2[place[1]]).log()
    found = {"centre": (regions.centre_BAHW2, centre_G2, 0.5), "size": (regions.size_BAHW2, size_G2, 0.0)}
    losses = {}
    for name, (predicted, truth_G2, middle) in found.items():
        if prior:
            target = torch.full_like(predicted, middle)
            target[place] = truth_G2
            losses[name] = F.smooth_l1_loss(predicted, target, reduction="sum") / 2
        else:
            losses[name] = F.smooth_l1_loss(predicted[place], truth_G2, reduction="sum") / 2
    return losses


def iou(a_N4: Tensor, b_N4: Tensor) -> Tensor:
    """IoU of boxes given as centre and size; leading dimensions broadcast."""
    low = torch.maximum(a_N4[..., :2] - a_N4[..., 2:] / 2, b_N4[..., :2] - b_N4[..., 2:] / 2)
    high = torch.minimum(a_N4[..., :2] + a_N4[..., 2:] / 2, b_N4[..., :2] + b_N4[..., 2:] / 2)
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = a_N4[..., 2:].prod(dim=-1) + b_N4[..., 2:].prod(dim=-1) - common
    return common / union.clamp(min=1e-12)
