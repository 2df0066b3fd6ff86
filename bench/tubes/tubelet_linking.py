"""Linking of tubelets, stacks of K boxes, into paths.

Kalogeiton, Weinzaepfel, Ferrari, Schmid, "Action Tubelet Detector for Spatio-Temporal Action Localization"
(ICCV 2017), section 3.3, with the numbers of the authors' program. Every class is linked alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bench.metrics.matching import ramp
from bench.records import Array, Tubelets
from bench.tubes.base import Found, Linker
from bench.tubes.boxes import check_labels, in_order
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import grouped
from bench.tubes.kernels.tubelets import Rules, average, link_tubelets
from bench.tubes.paths import Paths, chained
from bench.tubes.tubelets import stacked

SUPPRESSION = ("hard", "soft", "soft-sum")


@dataclass(frozen=True)
class TubeletLinking(Linker):
    """How tubelets become paths; the defaults are the authors', K = 6 (and those of RecLNet++, K = 5).

    A path has in each frame the mean box and score of its tubelets that cover the frame; a frame that none
    covers has the box on the straight line between its neighbours. A path's score is the mean over its
    tubelets.

    score_floor: a tubelet takes part in a class if its score is above this.
    nms: a tubelet is suppressed if its mean IoU with a better one is above this (inclusive boxes).
    suppression: what is suppressed goes (``hard``), or its score is multiplied by 1 - IoU (``soft``, Li et
        al. 2020). ``soft-sum``: by 1 minus the sum of the K IoUs, as in the program of Li et al.: what
        is suppressed has a negative score then.
    per_frame: tubelets of a class that start in a frame and are linked, best first.
    min_iou: a path takes the best free tubelet whose mean IoU with its last one, over the frames of both,
        is at least this; without a frame in common, IoU of its first box with the last box of the other.
    max_gap: a path ends when it has not been continued so many frames after its last tubelet began; None: K.
    min_score: lowest score of a path that is kept.
    """

    name: str = field(default="tubelet", init=False)
    score_floor: float = field(default=0.0, metadata={"range": (0.0, 0.1)})
    nms: float = field(default=0.3, metadata={"range": (0.1, 0.8)})
    suppression: Literal["hard", "soft", "soft-sum"] = field(
        default="hard", metadata={"choices": ("hard", "soft")}
    )
    per_frame: int = field(default=10, metadata={"range": (1, 20)})
    min_iou: float = field(default=0.2, metadata={"range": (0.05, 0.7)})
    max_gap: int | None = field(default=5, metadata={"range": (1, 15)})
    min_score: float = field(default=0.01, metadata={"range": (0.0, 0.1)})

    def __post_init__(self) -> None:
        if self.per_frame < 1 or (self.max_gap is not None and self.max_gap < 1):
            raise ValueError(
                f"TubeletLinking: per_frame {self.per_frame} and max_gap {self.max_gap} must be at least 1"
            )

    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """As :class:`Linker` says, of tubelets, or detections that have a column ``tubelet``."""
        tubelets = found if isinstance(found, Tubelets) else stacked(found)
        path_N, value_N = self.link_tubelets(tubelets)
        order, bounds = _grouped(path_N, in_order(tubelets.video, tubelets.start))
        counts = np.diff(bounds)
        score_P = np.bincount(np.repeat(np.arange(len(counts)), counts), value_N[order], len(counts)) / counts
        kept = np.flatnonzero(score_P >= self.min_score)
        head = order[bounds[kept]]
        kept = kept[np.lexsort((-score_P[kept], tubelets.label[head], tubelets.video[head]))]
        order = order[np.repeat(bounds[kept], counts[kept]) + ramp(counts[kept])]
        return _averaged(tubelets, value_N, order, counts[kept], score_P[kept])

    def link_tubelets(self, tubelets: Tubelets) -> tuple[Array, Array]:
        """The path of each tubelet, -1 for none, and its score after NMS."""
        check_labels(tubelets.label)
        key = tubelets.video.astype(np.int64) * (int(tubelets.label.max(initial=0)) + 1) + tubelets.label
        order, bounds = _grouped(key, in_order(tubelets.video, tubelets.start))
        stack = tubelets.boxes_NK4.shape[1]
        rules = Rules(
            self.score_floor, self.nms, SUPPRESSION.index(self.suppression), self.per_frame, self.min_iou,
            stack if self.max_gap is None else self.max_gap,
        )  # fmt: skip
        value_N, path_N = tubelets.score.copy(), np.full(len(tubelets), -1)
        start, boxes = writable(tubelets.start, tubelets.boxes_NK4)
        link_tubelets(order, bounds, rules, start, boxes, value_N, path_N)
        return path_N, value_N


def _grouped(group_N: Array, in_time: Array | None) -> tuple[Array, Array]:
    """As :func:`grouped`, the rows of a group in the order ``in_time`` (None: as they lie)."""
    groups = int(group_N.max(initial=-1)) + 1
    if in_time is None:
        return grouped(group_N, groups)
    order, bounds = grouped(group_N[in_time], groups)
    return in_time[order], bounds


def _averaged(tubelets: Tubelets, value_N: Array, order: Array, counts_P: Array, score_P: Array) -> Paths:
    """Paths of the tubelets ``order``, so many for each path, with the score of each path."""
    bounds = np.concatenate([[0], np.cumsum(counts_P)])
    head, last = order[bounds[:-1]], order[bounds[1:] - 1]
    stack = tubelets.boxes_NK4.shape[1]
    frames_P = tubelets.start[last] + stack - tubelets.start[head]
    first_P = np.cumsum(frames_P) - frames_P
    boxes_R4, score_R = np.zeros((int(frames_P.sum()), 4)), np.zeros(int(frames_P.sum()))
    start, boxes = writable(tubelets.start, tubelets.boxes_NK4)
    average(order, bounds, start, boxes, value_N, first_P, boxes_R4, score_R)
    rows = np.flatnonzero(~np.isnan(score_R))
    path = np.repeat(np.arange(len(frames_P)), frames_P)[rows]
    frame = tubelets.start[head][path] + ramp(frames_P)[rows]
    return chained(
        tubelets.videos, "interpolate", video=tubelets.video[head][path], path=path,
        label=tubelets.label[head][path], frame=frame, boxes_R4=boxes_R4[rows], score=score_R[rows],
        row=np.full(len(rows), -1), path_score=score_P[path],
    )  # fmt: skip


MOC = TubeletLinking(
    score_floor=0.01, nms=0.6, suppression="soft", min_iou=0.5, max_gap=None, min_score=0.005
)
"""As Li et al. 2020 (MOC) link, K = 7; their program itself has the suppression ``soft-sum``."""
