"""The size of track boxes adapted to that of annotated ones, by a linear model (section 4.2, after [39]).

The paper trains it on the annotated key-frames of the training videos: each with the track box that overlaps
it most, by at least 0.5 IoU (``tracks.box_size_iou``). Parametrisation unstated, ours: four outputs, the
shift of the centre over the box's width and height, and the logarithms of the factors of width and height,
each linear in (1, w / W, h / H, w / h) of a box of w x h in a frame of W x H.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from bench.metrics.boxes import iou
from bench.metrics.matching import join
from bench.records import Array

LARGEST = 2.0
"""Logarithm of the factor by which a side changes at most, for boxes unlike those learnt from; ours."""
SMALLEST = 1.0
"""Pixels that a side is taken to have at least, where it is divided by."""


class SizePairs(NamedTuple):
    """P track boxes, the annotated box of each, and width and height of its video; annotation pixels."""

    track_P4: Array
    truth_P4: Array
    size_P2: Array

    @classmethod
    def concat(cls, parts: list[SizePairs]) -> SizePairs:
        """The pairs of several videos."""
        return cls(*(np.concatenate(column) for column in zip(*parts)))


@dataclass(frozen=True)
class BoxSize:
    """weights_44: float64, (1, w / W, h / H, w / h) x (centre x, centre y, log width, log height)."""

    weights_44: Array

    @classmethod
    def fit(cls, pairs: SizePairs) -> Self:
        """Least squares; of several solutions the smallest. Raises ValueError where there is no pair."""
        if not len(pairs.track_P4):
            raise ValueError(
                "no annotated box has a track box that overlaps it by tracks.box_size_iou, so that nothing "
                "shows the size of boxes; lower that, train the detector for longer, or leave it out "
                "(tracks.box_size=false)"
            )
        centre_P2, side_P2 = _centres(pairs.track_P4)
        wanted_P2, wanted_side_P2 = _centres(pairs.truth_P4)
        targets_P4 = np.hstack([(wanted_P2 - centre_P2) / side_P2, np.log(wanted_side_P2 / side_P2)])
        return cls(np.linalg.lstsq(_inputs(side_P2, pairs.size_P2), targets_P4)[0])

    def applied(self, boxes_N4: Array, size: tuple[int, int]) -> Array:
        """The boxes adapted and clipped to the frame of ``size`` (width, height), float32."""
        centre_N2, side_N2 = _centres(boxes_N4)
        change_N4 = _inputs(side_N2, np.asarray(size)) @ self.weights_44
        centre_N2 = centre_N2 + change_N4[:, :2] * side_N2
        half_N2 = side_N2 * np.exp(np.clip(change_N4[:, 2:], -LARGEST, LARGEST)) / 2
        found_N4 = np.hstack([centre_N2 - half_N2, centre_N2 + half_N2])
        return np.clip(found_N4, 0, np.tile(size, 2)).astype(np.float32)


def size_pairs(
    rows: tuple[Array, Array], truth: tuple[Array, Array], size: tuple[int, int], min_iou: float
) -> SizePairs:
    """Every annotated box of one video with the track box of its frame that overlaps it most.

    rows, truth: frames [N] and boxes [N, 4] of tracks and of annotation, in any order; size: width and
    height of the video's annotation; min_iou: of a pair, at least.
    """
    row_P, truth_P = join(rows[0], truth[0])
    overlap_P = iou(rows[1][row_P], truth[1][truth_P], 0)
    order = np.lexsort((-overlap_P, truth_P))
    best = order[np.diff(truth_P[order], prepend=-1) != 0]
    best = best[overlap_P[best] >= min_iou]
    return SizePairs(rows[1][row_P[best]], truth[1][truth_P[best]], np.tile(size, (len(best), 1)))


def _centres(boxes_N4: Array) -> tuple[Array, Array]:
    """Centre and (width, height), at least :data:`SMALLEST`, of each box, float64 [N, 2]."""
    boxes = np.asarray(boxes_N4, np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, np.maximum(boxes[:, 2:] - boxes[:, :2], SMALLEST)


def _inputs(side_N2: Array, size: Array) -> Array:
    """(1, w / W, h / H, w / h), [N, 4]."""
    return np.column_stack([np.ones(len(side_N2)), side_N2 / size, side_N2[:, 0] / side_N2[:, 1]])
