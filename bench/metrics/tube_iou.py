"""How much tubes overlap in space and time, under the rules of an evaluator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.metrics.boxes import iou
from bench.metrics.matching import ramp
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes

CHUNK = 1 << 20
"""Frames of tube pairs handled at once: bounds the memory."""


@dataclass(frozen=True)
class FrameIndex:
    """Boxes of T tubes, to be found by (tube, frame), and the spans of the tubes.

    Frames are 0-based, ``first`` and ``last`` inclusive. The span of a tube without boxes is empty.
    """

    boxes_N4: Array
    first_T: Array
    """Of the boxes, as ``last_T``."""
    last_T: Array
    offset_T: Array
    row_D: Array
    """Row of ``boxes_N4`` for each frame from first to last box of each tube, -1 in gaps."""
    spans_T2: Array
    """First and last frame of each span: those of the boxes, or what ``build`` was given."""

    @classmethod
    def build(
        cls, tube_N: Array, frame_N: Array, boxes_N4: Array, num_tubes: int, spans_T2: Array | None = None
    ) -> FrameIndex:
        """From rows in any order (fastest where those of one tube lie together), tubes numbered from 0."""
        first = np.full(num_tubes, np.iinfo(np.int32).max, np.int64)
        last = np.full(num_tubes, -1, np.int64)
        if len(tube_N):
            runs = np.flatnonzero(np.diff(tube_N, prepend=-1))
            np.minimum.at(first, tube_N[runs], np.minimum.reduceat(frame_N, runs))
            np.maximum.at(last, tube_N[runs], np.maximum.reduceat(frame_N, runs))
        first = np.where(last < 0, 0, first)
        length = last - first + 1
        offset = np.cumsum(length) - length
        row = np.full(int(length.sum()), -1, np.int64)
        row[offset[tube_N] + frame_N - first[tube_N]] = np.arange(len(tube_N))
        spans = np.stack([first, last], axis=1) if spans_T2 is None else spans_T2
        return cls(boxes_N4, first, last, offset, row, spans)

    def rows(self, tube_F: Array, frame_F: Array) -> Array:
        """Row of each (tube, frame from its first to its last), -1 where that frame has no box."""
        return self.row_D[self.offset_T[tube_F] + frame_F - self.first_T[tube_F]]


def tube_frames(tubes: Tubes) -> FrameIndex:
    """Frames of predicted tubes, numbered in row order."""
    starts = tubes.starts
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(tubes))))
    return FrameIndex.build(number, tubes.frame, tubes.boxes_N4, len(starts))


def truth_frames(truth: GroundTruth, rules: TubeRules) -> FrameIndex:
    """Frames of annotated tubes, numbered as the rows of ``truth.tubes``."""
    tubes = truth.tubes
    annotated = np.stack([tubes.start, tubes.end - 1], axis=1).astype(np.int64)
    spans = annotated if rules.spans == "annotated" else None
    boxes = truth.boxes
    return FrameIndex.build(truth.box_tubes(), boxes.frame, boxes.boxes_N4, len(tubes), spans)


class Overlaps(NamedTuple):
    """Of pairs of tubes, float64 [P] each."""

    spatial_P: Array
    """Mean box IoU over the frames that both tubes have, 0 where there is none or their spans are apart."""
    temporal_P: Array
    """IoU of the spans."""

    def combined(self, overlap: str) -> Array:
        """The number that is held against a threshold, by the rule of that name."""
        return self.spatial_P if overlap == "spatial" else self.spatial_P * self.temporal_P


def overlaps(a: FrameIndex, a_P: Array, b: FrameIndex, b_P: Array, rules: TubeRules) -> Overlaps:
    """Of tube ``a_P[i]`` of ``a`` with tube ``b_P[i]`` of ``b``. A gap in a tube leaves its span as it is."""
    spans_a, spans_b = a.spans_T2[a_P], b.spans_T2[b_P]
    shared = np.minimum(spans_a[:, 1], spans_b[:, 1]) - np.maximum(spans_a[:, 0], spans_b[:, 0]) + 1
    meet = shared >= (1 if rules.one_frame == "overlap" else 2)
    common = np.where(meet, shared - 1 + rules.frame_extent, 0)
    union = np.diff(spans_a + spans_b, axis=1)[:, 0] + 2 * rules.frame_extent - common
    temporal = np.divide(common, union, out=np.zeros(len(a_P)), where=union > 0)
    spatial = np.zeros(len(a_P))
    begin = np.maximum(a.first_T[a_P], b.first_T[b_P])
    frames = np.maximum(np.minimum(a.last_T[a_P], b.last_T[b_P]) - begin + 1, 0)
    some = np.flatnonzero(meet & (frames > 0))
    cuts = np.searchsorted(np.cumsum(frames[some]), np.arange(CHUNK, int(frames[some].sum()), CHUNK))
    for part in np.split(some, cuts):
        spatial[part] = _mean_iou((a, a_P[part]), (b, b_P[part]), begin[part], frames[part], rules.box_extent)
    return Overlaps(spatial, temporal)


def tube_iou(a: FrameIndex, a_P: Array, b: FrameIndex, b_P: Array, rules: TubeRules) -> Array:
    """Spatio-temporal IoU of tube ``a_P[i]`` of ``a`` with tube ``b_P[i]`` of ``b``, float64 [P]."""
    return overlaps(a, a_P, b, b_P, rules).combined("spatio-temporal")


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
