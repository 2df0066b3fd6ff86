"""Video level: tubes against annotated tubes of the same video and label (video-AP; ACT.py, ``videoAP``).

Spatio-temporal IoU is the IoU of the spans, first to last frame, times the mean box IoU over the frames
present in both tubes (``iou3dt``). A gap in a tube leaves its span as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics.boxes import iou, suppress
from bench.metrics.matching import Ranking, join, ramp, rank
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes

CHUNK = 1 << 20
"""Frames of tube pairs handled at once: bounds the memory."""


@dataclass(frozen=True)
class FrameIndex:
    """Boxes of T tubes, to be found by (tube, frame). Frames 0-based, ``last_T`` inclusive."""

    boxes_N4: Array
    first_T: Array
    last_T: Array
    offset_T: Array
    row_D: Array
    """Row of ``boxes_N4`` for each frame of each span, -1 in gaps."""

    @classmethod
    def build(cls, tube_N: Array, frame_N: Array, boxes_N4: Array, num_tubes: int) -> FrameIndex:
        """From rows in any order, ``tube_N`` in 0 .. num_tubes-1. A tube without boxes spans nothing."""
        first = np.full(num_tubes, np.iinfo(np.int32).max, np.int64)
        last = np.full(num_tubes, -1, np.int64)
        np.minimum.at(first, tube_N, frame_N)
        np.maximum.at(last, tube_N, frame_N)
        first = np.where(last < 0, 0, first)
        length = last - first + 1
        offset = np.cumsum(length) - length
        row = np.full(int(length.sum()), -1, np.int64)
        row[offset[tube_N] + frame_N - first[tube_N]] = np.arange(len(tube_N))
        return cls(boxes_N4, first, last, offset, row)

    def rows(self, tube_F: Array, frame_F: Array) -> Array:
        """Row of each (tube, frame within its span), -1 where that frame has no box."""
        return self.row_D[self.offset_T[tube_F] + frame_F - self.first_T[tube_F]]


def tube_iou(a: FrameIndex, a_P: Array, b: FrameIndex, b_P: Array, extent: int) -> Array:
    """Spatio-temporal IoU of tube ``a_P[i]`` of ``a`` with tube ``b_P[i]`` of ``b``, float64 [P]."""
    begin = np.maximum(a.first_T[a_P], b.first_T[b_P])
    common = np.maximum(np.minimum(a.last_T[a_P], b.last_T[b_P]) - begin + 1, 0)
    union = (a.last_T - a.first_T)[a_P] + (b.last_T - b.first_T)[b_P] + 2 - common
    result = np.zeros(len(a_P))
    some = np.flatnonzero(common)
    cuts = np.searchsorted(np.cumsum(common[some]), np.arange(CHUNK, int(common.sum()), CHUNK))
    for part in np.split(some, cuts):
        spatial = _mean_iou((a, a_P[part]), (b, b_P[part]), begin[part], common[part], extent)
        result[part] = spatial * common[part] / union[part]
    return result


def tube_nms(tubes: Tubes, threshold: float, extent: int) -> Array:
    """Numbers (0-based positions in row order) of the tubes kept, rising, int64.

    Per video and label, best first, stable: a tube goes when its spatio-temporal IoU with a kept one is
    above the threshold (``nms3dt``).
    """
    index, starts = tube_frames(tubes), tubes.starts
    group = tubes.video[starts].astype(np.int64) << 16 | tubes.label[starts]
    order = np.lexsort((-tubes.score[starts], group))
    kept = suppress(order, group, lambda rows, best: tube_iou(index, rows, index, best, extent) <= threshold)
    return np.sort(kept)


def tube_frames(tubes: Tubes) -> FrameIndex:
    """Frames of predicted tubes, numbered in row order."""
    starts = tubes.starts
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(tubes))))
    return FrameIndex.build(number, tubes.frame, tubes.boxes_N4, len(starts))


def truth_frames(truth: GroundTruth) -> FrameIndex:
    """Frames of annotated tubes, numbered as the rows of ``truth.tubes``; spans are those of their boxes."""
    order = np.argsort(truth.tubes.tube, kind="stable")
    number = order[np.searchsorted(truth.tubes.tube, truth.boxes.tube, sorter=order)]
    return FrameIndex.build(number, truth.boxes.frame, truth.boxes.boxes_N4, len(truth.tubes))


def tube_ranking(truth: GroundTruth, tubes: Tubes, rules: TubeRules) -> Ranking:
    """Ranked tubes, after the rules' tube NMS, with the truth they overlap.

    ``tubes.videos`` must be those of ``truth``; a tube's label and score are those of its first row.
    """
    starts = tubes.starts
    kept = np.arange(len(starts))
    if rules.nms is not None:
        kept = tube_nms(tubes, rules.nms, rules.box_extent)
    heads = tubes[starts[kept]]
    annotated = truth.tubes
    row, number = join(
        heads.video.astype(np.int64) << 16 | heads.label,
        annotated.video.astype(np.int64) << 16 | annotated.label,
    )
    overlap = tube_iou(tube_frames(tubes), kept[row], truth_frames(truth), number, rules.box_extent)
    counts = np.zeros((len(truth.videos), len(truth.classes)), np.int64)
    np.add.at(counts, (annotated.video, annotated.label), 1)
    return rank(heads.video, heads.label, heads.score, (row, number, overlap), counts)


def _mean_iou(
    a: tuple[FrameIndex, Array], b: tuple[FrameIndex, Array], begin_P: Array, frames_P: Array, extent: int
) -> Array:
    """Mean box IoU over the frames that both tubes of each pair have, 0 where there is none."""
    pair = np.repeat(np.arange(len(begin_P)), frames_P)
    frame = begin_P[pair] + ramp(frames_P)
    row_a, row_b = a[0].rows(a[1][pair], frame), b[0].rows(b[1][pair], frame)
    both = (row_a >= 0) & (row_b >= 0)
    overlap = iou(a[0].boxes_N4[row_a[both]], b[0].boxes_N4[row_b[both]], extent)
    total = np.bincount(pair[both], overlap, len(begin_P))
    return total / np.maximum(np.bincount(pair[both], minlength=len(begin_P)), 1)
