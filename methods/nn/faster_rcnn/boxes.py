"""Boxes of K frames: anchors, offsets, overlap. x1, y1, x2, y2 in pixels of the network's frame.

A box_K4 is one person's in K consecutive frames; a width is x2 - x1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

ANCHOR_CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
REGION_CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))
"""Offsets over deviations of 0.1 for the centre and 0.2 for the size, as Fast R-CNN's program scales them."""


def anchor_grid(
    map_size: tuple[int, int], stride: int, sizes: Sequence[float], ratios: Sequence[float]
) -> Tensor:
    """Anchors of a map of (height, width) cells, by row, column, ratio and size, float32 (A, 4).

    Their centres are those of the cells, their areas ``sizes`` squared, their heights ``ratios`` times their
    widths (Ren et al., section 3.1.1).
    """
    root_R = torch.tensor(ratios).sqrt()
    widths_S, heights_S = (torch.outer(r, torch.tensor(sizes)).flatten() for r in (1 / root_R, root_R))
    half_S4 = torch.stack([-widths_S, -heights_S, widths_S, heights_S], dim=1) / 2
    rows, columns = ((torch.arange(cells) + 0.5) * stride for cells in map_size)
    y_HW, x_HW = torch.meshgrid(rows, columns, indexing="ij")
    centre_P4 = torch.stack([x_HW, y_HW, x_HW, y_HW], dim=-1).view(-1, 1, 4)
    return (centre_P4 + half_S4).view(-1, 4)


def inside(boxes_A4: Tensor, frame_size: tuple[int, int]) -> Tensor:
    """Whether a box lies wholly in a frame of (height, width), bool (A,)."""
    height, width = frame_size
    x1, y1, x2, y2 = boxes_A4.unbind(dim=1)
    return (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)


def encoded(boxes: Tensor, references: Tensor, coder: BoxCoder) -> Tensor:
    """Offsets (dx, dy, dw, dh) of boxes (..., 4) to references of a shape that broadcasts with theirs.

    Shifts of the centre over the reference's size, logarithms of the relative size (Girshick et al. 2014),
    times the coder's weights. Sides must be above 0.
    """
    references = references.expand_as(boxes).reshape(-1, 4)
    offsets: Tensor = coder.encode_single(boxes.reshape(-1, 4), references)
    return offsets.view_as(boxes)


def decoded(offsets: Tensor, references: Tensor, coder: BoxCoder) -> Tensor:
    """Boxes (..., 4) that the offsets say; no side becomes more than 62.5 times the reference's."""
    references = references.expand_as(offsets).reshape(-1, 4)
    boxes: Tensor = coder.decode_single(offsets.reshape(-1, 4), references)
    return boxes.view_as(offsets)


def mean_iou(a_NK4: Tensor, b_MK4: Tensor) -> Tensor:
    """IoU of all pairs, averaged over the frames (RecLNet, section 5.4), (N, M)."""
    frames = zip(a_NK4.unbind(dim=1), b_MK4.unbind(dim=1), strict=True)
    overlap: Tensor = sum(box_iou(a_N4, b_M4) for a_N4, b_M4 in frames)
    return overlap / a_NK4.shape[1]
