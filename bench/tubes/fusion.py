"""Late fusion: the detections of an RGB and a flow stream become one set, before they are linked.

The streams *share boxes* where rows of both have the same video and ``box``: proposals that both scored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import nms
from bench.records import STREAMS, Array, Detections
from bench.tubes.base import Fusion
from bench.tubes.boxes import box_numbers
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import grouped
from bench.tubes.kernels.fusion import boost

RGB, FLOW, FUSED = (STREAMS.index(name) for name in ("rgb", "flow", "fused"))


@dataclass(frozen=True)
class UnionFusion(Fusion):
    """The boxes of both streams, after NMS over all of them.

    nms: IoU above which a weaker box of the same frame and class goes (continuous boxes); None: all stay.
    """

    name: str = field(default="union", init=False)
    nms: float | None = field(default=0.5, metadata={"range": (0.2, 0.8)})

    def fuse(self, detections: Detections) -> Detections:
        """As :class:`Fusion` says."""
        _streams(detections)
        return _fused(detections, detections.score, self.nms)


@dataclass(frozen=True)
class AverageFusion(Fusion):
    """The mean of both streams' scores of every box that they share; the box itself is RGB's.

    Cheron et al. 2018 (RecLNet), section 3.2, *average*; Kalogeiton et al. 2017 call it late fusion. A stream
    that lacks a label or box gives it 0.

    flow: weight of the flow stream; RGB has the rest.
    nms: as in :class:`UnionFusion`.
    """

    name: str = field(default="average", init=False)
    flow: float = field(default=0.5, metadata={"range": (0.0, 1.0)})
    nms: float | None = field(default=0.5, metadata={"range": (0.2, 0.8)})

    def fuse(self, detections: Detections) -> Detections:
        """As :class:`Fusion` says. Raises ValueError for streams that share no boxes."""
        pairs = _pairs(detections, self.name)
        return _fused(pairs.rows, (1 - self.flow) * pairs.rgb_N + self.flow * pairs.flow_N, self.nms)


@dataclass(frozen=True)
class GatingFusion(Fusion):
    """The softmax of both streams' weighted outputs, for boxes that they share; the box itself is RGB's.

    Cheron et al. 2018 (RecLNet), section 3.2, *gating*, with one weight a stream where the authors train one
    a class. Softmax outputs p serve as well as the values before: softmax(a z + b y) is proportional to
    p^a q^b. Background is what the classes leave to 1; a class that both streams lack counts nothing.

    rgb, flow: weights of the streams.
    floor: score of a label that one of the streams lacks.
    nms: as in :class:`UnionFusion`.
    """

    name: str = field(default="gating", init=False)
    rgb: float = field(default=0.5, metadata={"range": (0.0, 2.0)})
    flow: float = field(default=0.5, metadata={"range": (0.0, 2.0)})
    floor: float = field(default=0.001, metadata={"range": (0.0001, 0.01)})
    nms: float | None = field(default=0.5, metadata={"range": (0.2, 0.8)})

    def fuse(self, detections: Detections) -> Detections:
        """As :class:`Fusion` says. Raises ValueError for streams that share no boxes."""
        pairs = _pairs(detections, self.name)
        value_N = self._gated(pairs.rgb_N, pairs.flow_N)
        box_N = box_numbers(pairs.rows)
        left = [1 - np.bincount(box_N, score) for score in (pairs.rgb_N, pairs.flow_N)]
        total_B = np.bincount(box_N, value_N) + self._gated(*left)
        return _fused(pairs.rows, value_N / total_B[box_N], self.nms)

    def _gated(self, rgb: Array, flow: Array) -> Array:
        return np.maximum(rgb, self.floor) ** self.rgb * np.maximum(flow, self.floor) ** self.flow


@dataclass(frozen=True)
class BoostFusion(Fusion):
    """Every RGB box gains the score of the flow box of its class that overlaps it most, times their IoU.

    Saha et al. 2016 (BMVC), section 3.3. Flow boxes that helped no RGB box stay with their own score.

    min_iou: lowest IoU that helps; ours.
    nms: as in :class:`UnionFusion`.
    """

    name: str = field(default="boost", init=False)
    min_iou: float = field(default=0.3, metadata={"range": (0.1, 0.7)})
    nms: float | None = field(default=0.3, metadata={"range": (0.2, 0.8)})

    def fuse(self, detections: Detections) -> Detections:
        """As :class:`Fusion` says."""
        flow_N = _streams(detections) == FLOW
        group_N = np.unique(_frames_and_labels(detections), return_inverse=True)[1]
        order, bounds = grouped(group_N, int(group_N.max(initial=-1)) + 1)
        gain_N, used_N = np.zeros(len(detections)), np.zeros(len(detections), bool)
        boxes, score = writable(detections.boxes_N4, detections.score)
        boost(order, bounds, flow_N, boxes, score, self.min_iou, gain_N, used_N)
        return _fused(detections[~used_N], (detections.score + gain_N)[~used_N], self.nms)


class _Pairs(NamedTuple):
    """One row a (video, box, label), with the score of each stream, 0 where it has none."""

    rows: Detections
    rgb_N: Array
    flow_N: Array


def _streams(detections: Detections) -> Array:
    """The stream of each row. Raises ValueError where there is none, or they are fused already."""
    if detections.stream is None:
        raise ValueError("fusion: the detections have no column 'stream'; leave fusion out (none)")
    if np.any(detections.stream == FUSED):
        raise ValueError("fusion: the detections are fused already; leave fusion out (none)")
    return detections.stream


def _pairs(detections: Detections, name: str) -> _Pairs:
    stream = _streams(detections)
    labels = int(detections.label.max(initial=0)) + 1
    key = box_numbers(detections).astype(np.int64) * labels + detections.label
    order = np.argsort(key * 2 + (stream == FLOW), kind="stable")
    begins = np.diff(key[order], prepend=-1) != 0
    row_N = np.cumsum(begins) - 1
    scores = np.zeros((2, int(begins.sum())))
    scores[(stream[order] == FLOW).astype(int), row_N] = detections.score[order]
    if len(order) and begins.all():
        raise ValueError(
            f"fusion by {name} needs boxes that both streams scored (same video, box and label), and there "
            "is none; fuse by 'union' or 'boost'"
        )
    return _Pairs(detections[order[begins]], *scores)


def _frames_and_labels(detections: Detections) -> Array:
    """One int64 a (video, frame, label)."""
    labels = int(detections.label.max(initial=0)) + 1
    return pair_keys(detections.video, detections.frame) * labels + detections.label


def _fused(rows: Detections, score_N: Array, threshold: float | None) -> Detections:
    """The rows with these scores after NMS, by video, frame, label, then best first; else in their order."""
    rows = replace(rows, score=score_N, stream=np.full(len(rows), FUSED))
    if threshold is None:
        return rows
    return rows[nms(rows.boxes_N4, rows.score, threshold, 0, _frames_and_labels(rows))]
