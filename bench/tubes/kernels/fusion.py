"""Boost fusion: scores of overlapping boxes added."""

from __future__ import annotations

from bench.records import Array
from bench.tubes.kernels import compiled
from bench.tubes.kernels.common import box_iou


@compiled
def boost(
    order: Array, bounds_G: Array, flow_N: Array, boxes_N4: Array, score_N: Array, min_iou: float,
    gain_N: Array, used_N: Array,
) -> None:  # fmt: skip
    """What the RGB boxes of each group (a frame and class) gain, and which flow boxes gave it.

    Group g has the rows ``order[bounds_G[g]:bounds_G[g + 1]]``; ``flow_N``: whether a row is of the flow
    stream. ``gain_N`` receives, for each RGB row, score times IoU of the flow box that overlaps it most, if
    that IoU is at least ``min_iou``; ``used_N`` that flow box.
    """
    for g in range(len(bounds_G) - 1):
        rows = order[bounds_G[g] : bounds_G[g + 1]]
        for a in rows:
            if flow_N[a]:
                continue
            best, highest = -1, 0.0
            for b in rows:
                if flow_N[b]:
                    overlap = box_iou(boxes_N4, a, boxes_N4, b, 0.0)
                    if overlap > highest:
                        best, highest = b, overlap
            if best >= 0 and highest >= min_iou:
                gain_N[a] = highest * score_N[best]
                used_N[best] = True
