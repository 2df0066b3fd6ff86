"""Linking of a whole video at once: the chain of boxes that is worth most, then the next best, ...

Gkioxari and Malik, "Finding Action Tubes" (CVPR 2015), section 3.3. Each path lasts as long as the video; a
frame in which a class has no box borrows those of the nearest frame that has some.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bench.records import Array
from bench.tubes.base import Found, Linker, detections_of
from bench.tubes.boxes import Ordered, ordered
from bench.tubes.kernels.common import grouped
from bench.tubes.kernels.viterbi import Weights, best_boxes, chain_videos, path_counts
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class ViterbiLinking(Linker):
    """Every class alone; the defaults are those of Gkioxari and Malik.

    score_floor: a box takes part in a class if its score is above this.
    candidates: boxes of a class in a frame that enter NMS, best first.
    nms: a box stays if its IoU with every better one is at most this (continuous boxes); None: all stay.
    tracks: most paths of a class; there are fewer where a frame has fewer boxes.
    counted: a chain is worth the scores of its boxes once for every ``link`` that ends there (so the first
        and last count half as much as the others), or once for every ``box`` (Saha et al. 2016).
    overlap, product: a link is worth this much times the IoU of its boxes, and the product of their scores.
    """

    name: str = field(default="viterbi", init=False)
    score_floor: float = field(default=0.0, metadata={"range": (0.0, 0.1)})
    candidates: int = field(default=100, metadata={"range": (5, 100)})
    nms: float | None = field(default=None, metadata={"range": (0.2, 0.8)})
    tracks: int = field(default=3, metadata={"range": (1, 10)})
    counted: Literal["link", "box"] = field(default="link", metadata={"choices": ("link", "box")})
    overlap: float = field(default=1.0, metadata={"range": (0.0, 5.0)})
    product: float = field(default=0.0, metadata={"range": (0.0, 2.0)})

    def __post_init__(self) -> None:
        for name in ("candidates", "tracks"):
            if getattr(self, name) < 1:
                raise ValueError(f"ViterbiLinking.{name} is {getattr(self, name)}, must be at least 1")

    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """As :class:`Linker` says, paths of one class in the order in which they were found."""
        rows = ordered(detections_of(found, self.name))
        boxes = rows.boxes
        classes = int(boxes.label_N.max(initial=0)) + 1
        group_N = rows.video_N.astype(np.int64) * classes + boxes.label_N
        order, bounds = grouped(group_N, len(found.videos) * classes)
        limits = (self.score_floor, np.inf if self.nms is None else self.nms)
        runs = best_boxes(order, bounds, boxes, limits, self.candidates)
        counts_G = path_counts(runs, self.tracks)
        spans_G2 = np.repeat(_spans(rows, len(found.videos), frames_V), classes, axis=0)
        weights = Weights(
            float(self.counted == "box"), float(self.counted == "link"), self.overlap, self.product
        )
        row_R = np.empty(int(counts_G @ spans_G2[:, 1]), np.int64)
        chain_videos(runs, spans_G2, boxes, weights, counts_G, row_R)
        spans_P2 = np.repeat(spans_G2, counts_G, axis=0)
        path_R = np.repeat(np.arange(len(spans_P2)), spans_P2[:, 1])
        first_P = np.cumsum(spans_P2[:, 1]) - spans_P2[:, 1] - spans_P2[:, 0]
        return Paths(
            found.videos, rows.video_N[row_R], path_R, boxes.label_N[row_R],
            np.arange(len(row_R)) - first_P[path_R], boxes.boxes_N4[row_R], boxes.score_N[row_R],
            rows.row_N[row_R],
        )  # fmt: skip


def _spans(rows: Ordered, videos: int, frames_V: Array | None) -> Array:
    """First frame and number of frames of every video, int64 [V, 2]; boxes beyond its end prolong it."""
    last_V = np.full(videos, -1)
    np.maximum.at(last_V, rows.video_N, rows.boxes.frame_N)
    if frames_V is not None:
        if len(frames_V) != videos:
            raise ValueError(f"numbers of frames of {len(frames_V)} videos, but there are {videos} videos")
        return np.stack([np.zeros(videos, np.int64), np.maximum(frames_V, last_V + 1)], axis=1)
    first_V = np.where(last_V < 0, 0, np.iinfo(np.int64).max)
    np.minimum.at(first_V, rows.video_N, rows.boxes.frame_N)
    return np.stack([first_V, last_V + 1 - first_V], axis=1)


YOWO = ViterbiLinking(product=0.5)
"""As the program of Köpüklü et al. 2019 (YOWO) links; its boxes come through class-agnostic NMS."""

SAHA = ViterbiLinking(candidates=40, nms=0.3, tracks=5, counted="box")
"""The first pass of Saha et al. 2016 (BMVC), section 3.4; NMS, candidates and the weight of IoU are ours."""
