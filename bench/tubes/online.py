"""Online incremental linking of frame detections into paths.

Singh, Saha, Sapienza, Torr, Cuzzolin, "Online Real-time Multiple Spatiotemporal Action Localisation and
Prediction" (ICCV 2017), section 3.4, with the numbers of the authors' program. Every class is linked alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bench.records import Array, Detections
from bench.tubes.kernels import Live, Rules, link_frames
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class OnlineLinking:
    """How boxes become paths; the defaults are the authors'.

    score_floor: a box takes part in a class if its score is above this.
    candidates: boxes of a class in a frame that enter NMS, best first.
    nms: a box stays if its IoU with every better one is at most this (continuous boxes).
    per_frame: boxes of a class in a frame that are linked.
    min_iou: a path takes the best free box whose IoU with its last box is at least this (inclusive boxes).
    max_gap: a path ends when it has missed this many frames in a row.
    rank_top: live paths choose in the order of the mean of this many of their best scores.
    min_boxes: fewest boxes found, filled gaps not counted, of a path that is kept.
    path_top: the kept paths are sorted by the mean of this many of their best scores, gaps filled.
    """

    score_floor: float = field(default=0.001, metadata={"range": (0.0001, 0.1)})
    candidates: int = field(default=50, metadata={"range": (10, 200)})
    nms: float = field(default=0.45, metadata={"range": (0.2, 0.8)})
    per_frame: int = field(default=10, metadata={"range": (1, 20)})
    min_iou: float = field(default=0.1, metadata={"range": (0.05, 0.6)})
    max_gap: int = field(default=3, metadata={"range": (1, 15)})
    rank_top: int = field(default=4, metadata={"range": (1, 20)})
    min_boxes: int = field(default=4, metadata={"range": (1, 15)})
    path_top: int = 20

    def __post_init__(self) -> None:
        for name in ("candidates", "per_frame", "max_gap", "rank_top", "min_boxes", "path_top"):
            if getattr(self, name) < 1:
                raise ValueError(f"OnlineLinking.{name} is {getattr(self, name)}, must be at least 1")


class OnlineLinker:
    """Links one video as its frames arrive: ``push`` those that have boxes, in order; ``paths`` at any time.

    Time runs with the frame number: frames between two pushes are frames without boxes. Frames before
    the first box, or after the last, change nothing.
    """

    def __init__(self, config: OnlineLinking, num_classes: int, video: str = "") -> None:
        self.config, self.video = config, video
        slots = config.per_frame * config.max_gap
        shape = (num_classes, slots)
        self._live = Live(
            order_CL=np.tile(np.arange(slots), (num_classes, 1)),
            count_C=np.zeros(num_classes, np.int64),
            path_CL=np.zeros(shape, np.int64),
            missed_CL=np.zeros(shape, np.int64),
            found_CL=np.zeros(shape, np.int64),
            box_CL4=np.zeros((*shape, 4)),
            top_CLK=np.zeros((*shape, config.rank_top)),
            rank_CL=np.zeros(shape),
            next_path=np.zeros(1, np.int64),
        )
        self._rules = Rules(config.score_floor, config.nms, config.min_iou, config.max_gap)
        self._rows_CB = np.zeros((num_classes, config.candidates), np.int64)
        self._kept = np.zeros(config.per_frame, np.int64)
        self._frame = self._pushed = 0
        self._linked: list[tuple[Array, ...]] = []
        self._dead: list[Array] = []

    def push(self, frame: int, boxes_N4: Array, label_N: Array, score_N: Array) -> Array:
        """Link the boxes of one frame, a row each (box, label); frame numbers must rise.

        Returns the path of each row, int64 [N]: rows of one path, now and later, get the same number; -1
        for a row that the floor, NMS or the limits removed.
        """
        return self.push_rows(np.full(len(score_N), frame), boxes_N4, label_N, score_N)

    def push_rows(self, frame_N: Array, boxes_N4: Array, label_N: Array, score_N: Array) -> Array:
        """As :meth:`push` for the rows of many frames, in rising order of frame."""
        if not len(frame_N):
            return np.zeros(0, np.int64)
        self._check(frame_N, label_N)
        end = int(frame_N[-1]) + 1
        bounds_T = np.searchsorted(frame_N, np.arange(self._frame, end + 1))
        path_N = np.full(len(frame_N), -1, np.int64)
        dead = np.zeros(len(frame_N) + self._live.path_CL.size, np.int64)
        deaths = link_frames(
            self._live, self._rules, bounds_T, label_N.astype(np.int64), boxes_N4.astype(np.float64),
            score_N.astype(np.float64), self._rows_CB, self._kept, path_N, dead,
        )  # fmt: skip
        kept = np.flatnonzero(path_N >= 0)
        self._linked.append(
            (path_N[kept], frame_N[kept], label_N[kept], boxes_N4[kept], score_N[kept], kept + self._pushed)
        )
        self._dead.append(dead[:deaths])
        self._frame, self._pushed = end, self._pushed + len(frame_N)
        return path_N

    def _check(self, frame_N: Array, label_N: Array) -> None:
        if frame_N[0] < self._frame or np.any(np.diff(frame_N) < 0):
            raise ValueError(
                f"{self.video or 'video'}: frames must rise; frame {self._frame - 1} was linked last, "
                f"then came {frame_N[:10].tolist()}"
            )
        if label_N.min() < 0 or label_N.max() >= len(self._live.count_C):
            raise ValueError(
                f"{self.video or 'video'}: labels {label_N.min()} to {label_N.max()} in a linker of "
                f"{len(self._live.count_C)} classes"
            )

    def _finished_order(self) -> Array:
        """All paths as the reference lists them: those still alive, then the dead in the order they ended."""
        live = [row[:n] for row, n in zip(self._live.order_CL, self._live.count_C)]
        alive = [paths[slots] for paths, slots in zip(self._live.path_CL, live)]
        return np.concatenate([*alive, *self._dead])

    def paths(self) -> Paths:
        """Paths of all frames so far that have enough boxes, gaps filled: by label, then best first.

        A filled frame repeats the box found after the gap. ``Paths.row`` counts the rows of all pushes.
        """
        if not self._linked:
            return _empty(self.video)
        path, frame, label, boxes_N4, score, row = (np.concatenate(c) for c in zip(*self._linked))
        found = np.bincount(path, minlength=self._live.next_path[0])
        rows = np.argsort(path, kind="stable")
        rows = rows[found[path[rows]] >= self.config.min_boxes]
        step = np.diff(frame[rows], prepend=0)
        step[np.diff(path[rows], prepend=-1) != 0] = 1
        copies = np.repeat(np.arange(len(rows)), step)
        back = np.cumsum(step)[copies] - 1 - np.arange(len(copies))
        rows = rows[copies]
        number = np.cumsum(np.diff(path[rows], prepend=-1) != 0) - 1
        filled = Paths(
            self.video, number, label[rows], frame[rows] - back, boxes_N4[rows], score[rows], row[rows]
        )
        place = np.argsort(self._finished_order())
        return _sorted(filled, place[path[rows[filled.starts]]], self.config.path_top)


def _empty(video: str) -> Paths:
    nothing = np.zeros(0, np.int32)
    return Paths(video, nothing, nothing, nothing, np.zeros((0, 4)), nothing, nothing)


def _sorted(paths: Paths, place_P: Array, top: int) -> Paths:
    """Paths by label, falling mean of the best scores, and place in the list."""
    starts, lengths = paths.starts, paths.lengths
    order = np.lexsort((place_P, -paths.top_mean(top), paths.label[starts]))
    first = np.cumsum(lengths[order]) - lengths[order]
    rows = np.repeat(starts[order] - first, lengths[order]) + np.arange(len(paths))
    path = np.repeat(np.arange(len(order)), lengths[order])
    return Paths(
        paths.video, path, paths.label[rows], paths.frame[rows], paths.boxes_R4[rows], paths.score[rows],
        paths.row[rows],
    )  # fmt: skip


def link(detections: Detections, config: OnlineLinking) -> Paths:
    """Paths of one video's detections, by label, then best first.

    Row order does not matter but for equal scores, where the earlier row goes first. ``Paths.row`` points
    into ``detections``. Raises ValueError when rows of more than one video are given.
    """
    if not len(detections):
        return _empty(detections.videos[0] if len(detections.videos) == 1 else "")
    video = detections.videos[detections.video[0]]
    if np.any(detections.video != detections.video[0]):
        raise ValueError(
            f"link takes one video at a time, got more than {video!r}; go over detections.by_video()"
        )
    order = np.argsort(detections.frame, kind="stable")
    linker = OnlineLinker(config, int(detections.label.max()) + 1, video)
    linker.push_rows(
        detections.frame[order], detections.boxes_N4[order], detections.label[order], detections.score[order]
    )
    paths = linker.paths()
    return replace(paths, row=order[paths.row])
