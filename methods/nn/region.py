"""The region head of YOLOv2: what its map says, and which of it is to find which box of the truth.

Redmon and Farhadi 2017, section 2 ("direct location prediction"). Boxes are centre and size in cells of the
map; anchors are sizes in cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Place = tuple[Tensor, ...]
"""Image, anchor, row and column of each box of the truth."""


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


class Matched(NamedTuple):
    """Which predicted box is to find which box of the truth; one entry a place, the last of equals.

    overlap_G: IoU of the truth and of what is predicted at its place. best_BAHW: the highest IoU of each
    predicted box with any truth of its image.
    """

    place: Place
    box_G4: Tensor
    label_GC: Tensor
    overlap_G: Tensor
    best_BAHW: Tensor

    @property
    def centre_G2(self) -> Tensor:
        """Where in its cell the centre of each box of the truth lies."""
        return self.box_G4[:, :2] - torch.stack([self.place[3], self.place[2]], dim=1)

    def objectness_loss(self, objectness_BAHW: Tensor, weights: tuple[float, float], ignore: float) -> Tensor:
        """Half the weighted squared error to the IoU where matched, to 0 elsewhere.

        weights: there and elsewhere, where a box that overlaps any truth by more than ``ignore`` has none.
        """
        weight = weights[1] * (self.best_BAHW <= ignore).to(objectness_BAHW.dtype)
        target = torch.zeros_like(objectness_BAHW)
        weight[self.place], target[self.place] = weights[0], self.overlap_G
        return (weight * (objectness_BAHW - target) ** 2).sum() / 2


def matched(
    regions: Regions,
    anchors_A2: Tensor,
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    pixel: float = 0.0,
) -> Matched:
    """The cell of each box's centre and the anchor of the nearest shape.

    boxes: of each image (G, 4); labels: (G, C), 1 where a class applies.
    pixel: side of a pixel in cells where extents are inclusive, as in yolo2-pytorch, which adds a whole cell
        to the truth when it chooses the anchor; 0: they are not.
    """
    image_G = torch.cat([torch.full((len(b),), i, device=b.device) for i, b in enumerate(boxes)])
    box_G4, label_GC = torch.cat(list(boxes)), torch.cat(list(labels))
    place = places(image_G, _grown(box_G4, 1.0 if pixel else 0.0), anchors_A2, regions)
    alone_G = last_at_its_place(place)
    place, box_G4, label_GC = tuple(c[alone_G] for c in place), box_G4[alone_G], label_GC[alone_G]
    predicted = _grown(regions.boxes(anchors_A2).detach(), pixel)
    best = predicted.new_zeros(regions.objectness_BAHW.shape)
    for image, truth_G4 in enumerate(boxes):
        if len(truth_G4):
            best[image] = iou(predicted[image][..., None, :], _grown(truth_G4, pixel)).amax(dim=-1)
    return Matched(place, box_G4, label_GC, iou(predicted[place], _grown(box_G4, pixel)), best)


def _grown(boxes_N4: Tensor, by: float) -> Tensor:
    """The boxes wider and higher by so much."""
    return torch.cat([boxes_N4[..., :2], boxes_N4[..., 2:] + by], dim=-1) if by else boxes_N4


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


def iou(a_N4: Tensor, b_N4: Tensor) -> Tensor:
    """IoU of boxes given as centre and size; leading dimensions broadcast."""
    low = torch.maximum(a_N4[..., :2] - a_N4[..., 2:] / 2, b_N4[..., :2] - b_N4[..., 2:] / 2)
    high = torch.minimum(a_N4[..., :2] + a_N4[..., 2:] / 2, b_N4[..., :2] + b_N4[..., 2:] / 2)
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = a_N4[..., 2:].prod(dim=-1) + b_N4[..., 2:].prod(dim=-1) - common
    return common / union.clamp(min=1e-12)
