"""Online incremental linking of frame detections into paths.

Singh, Saha, Sapienza, Torr, Cuzzolin, "Online Real-time Multiple Spatiotemporal Action Localisation and
Prediction" (ICCV 2017), section 3.4, with the numbers of the authors' program. Every class is linked alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.records import Array
from bench.tubes.base import Found, Linker, detections_of
from bench.tubes.boxes import Ordered, ordered
from bench.tubes.kernels.common import Boxes, grouped
from bench.tubes.kernels.online import Live, Rules, link_frames, link_videos
from bench.tubes.paths import Gaps, Paths, chained


@dataclass(frozen=True)
class OnlineLinking(Linker):
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
    gaps: what a missed frame holds.
    """

    name: str = field(default="online", init=False)
    score_floor: float = field(default=0.001, metadata={"range": (0.0001, 0.1)})
    candidates: int = field(default=50, metadata={"range": (10, 200)})
    nms: float = field(default=0.45, metadata={"range": (0.2, 0.8)})
    per_frame: int = field(default=10, metadata={"range": (1, 20)})
    min_iou: float = field(default=0.1, metadata={"range": (0.05, 0.6)})
    max_gap: int = field(default=3, metadata={"range": (1, 15)})
    rank_top: int = field(default=4, metadata={"range": (1, 20)})
    min_boxes: int = field(default=4, metadata={"range": (1, 15)})
    path_top: int = 20
    gaps: Gaps = field(default="copy", metadata={"choices": ("copy", "interpolate")})

    def __post_init__(self) -> None:
        for name in ("candidates", "per_frame", "max_gap", "rank_top", "min_boxes", "path_top"):
            if getattr(self, name) < 1:
                raise ValueError(f"OnlineLinking.{name} is {getattr(self, name)}, must be at least 1")

    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """As :class:`Linker` says. Frames before a video's first box or after its last change nothing."""
        rows = ordered(detections_of(found, self.name))
        path_N, place_N = np.full((2, len(rows.row_N)), -1)
        live = self.live(int(rows.boxes.label_N.max(initial=0)) + 1)
        link_videos(live, self.rules, rows.boxes, rows.bounds, path_N, place_N)
        return self.paths(found.videos, rows, path_N, place_N)

    @property
    def rules(self) -> Rules:
        """The numbers that the compiled loop reads."""
        return Rules(self.score_floor, self.nms, self.min_iou, self.max_gap)

    def live(self, num_classes: int) -> Live:
        """No live paths, and room for as many as there can be."""
        slots = self.per_frame * self.max_gap
        shape = (num_classes, slots)
        return Live(
            order_CL=np.tile(np.arange(slots), (num_classes, 1)),
            count_C=np.zeros(num_classes, np.int64),
            path_CL=np.zeros(shape, np.int64),
            missed_CL=np.zeros(shape, np.int64),
            length_CL=np.zeros(shape, np.int64),
            box_CL4=np.zeros((*shape, 4), np.float32),
            top_CLK=np.zeros((*shape, self.rank_top)),
            rank_CL=np.zeros(shape),
            next_path=np.zeros(1, np.int64),
            frame=np.full(1, -1),
            rows_CB=np.zeros((num_classes, self.candidates), np.int64),
            found_C=np.zeros(num_classes, np.int64),
            kept=np.zeros(self.per_frame, np.int64),
        )

    def paths(self, videos: tuple[str, ...], rows: Ordered, path_N: Array, place_P: Array) -> Paths:
        """Paths from the path of each row, -1 for none, and the place of each path in the final list."""
        order, bounds = grouped(path_N, int(path_N.max(initial=-1)) + 1)
        counts = np.diff(bounds)
        order = order[np.repeat(counts >= self.min_boxes, counts)]
        boxes = rows.boxes
        paths = chained(
            videos, self.gaps, video=rows.video_N[order], path=path_N[order], label=boxes.label_N[order],
            frame=boxes.frame_N[order], boxes_R4=boxes.boxes_N4[order], score=boxes.score_N[order],
            row=rows.row_N[order],
        )  # fmt: skip
        head = paths.starts
        place = place_P[np.flatnonzero(counts >= self.min_boxes)]
        best_first = -paths.top_mean(self.path_top)
        return paths.ordered(np.lexsort((place, best_first, paths.label[head], paths.video[head])))


class OnlineLinker:
    """Links one video as its frames arrive: ``push`` those that have boxes, in order; ``paths`` at any time.

    Time runs with the frame number: frames between two pushes are frames without boxes. Frames before
    the first box, or after the last, change nothing.
    """

    def __init__(self, config: OnlineLinking, num_classes: int, video: str = "") -> None:
        self.config, self.video = config, video
        self._live = config.live(num_classes)
        self._pushed = 0
        nothing = np.zeros(0, np.int64)
        boxes = Boxes(nothing, nothing, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        self._linked: list[tuple[Array, ...]] = [(*boxes, nothing, nothing)]
        self._dead = [nothing]

    def push(self, frame: int, boxes_N4: Array, label_N: Array, score_N: Array) -> Array:
        """Link the boxes of one frame, a row each (box, label); frame numbers must rise.

        Returns the path of each row, int64 [N]: rows of one path, now and later, get the same number; -1
        for a row that the floor, NMS or the limits removed.
        """
        path_N = np.full(len(score_N), -1)
        if not len(path_N):
            return path_N
        self._check(frame, label_N)
        boxes = Boxes(
            np.full(len(path_N), frame, np.int32), np.array(label_N, np.int16),
            np.array(boxes_N4, np.float32), np.array(score_N, np.float32),
        )  # fmt: skip
        dead = np.zeros(self._live.path_CL.size, np.int64)
        deaths = link_frames(self._live, self.config.rules, boxes, path_N, dead)
        kept = np.flatnonzero(path_N >= 0)
        self._linked.append((*(column[kept] for column in boxes), path_N[kept], kept + self._pushed))
        self._dead.append(dead[:deaths])
        self._pushed += len(path_N)
        return path_N

    def _check(self, frame: int, label_N: Array) -> None:
        name, last, classes = self.video or "video", int(self._live.frame[0]), len(self._live.count_C)
        if frame <= last:
            raise ValueError(f"{name}: frames must rise; frame {last} was linked last, then came {frame}")
        low, high = int(np.min(label_N)), int(np.max(label_N))
        if low < 0 or high >= classes:
            raise ValueError(f"{name}: labels {low} to {high} in a linker of {classes} classes")

    def paths(self) -> Paths:
        """The paths so far, as :meth:`OnlineLinking.link` gives them for the frames pushed.

        ``Paths.row`` counts all rows pushed, in order.
        """
        *columns, path_N, row_N = (np.concatenate(parts) for parts in zip(*self._linked))
        place = np.zeros(self._live.next_path[0], np.int64)
        dead = np.concatenate(self._dead)
        place[dead] = np.arange(len(dead))
        for slots, path_L, count in zip(self._live.order_CL, self._live.path_CL, self._live.count_C):
            place[path_L[slots[:count]]] = np.arange(count) - len(slots)
        rows = Ordered(Boxes(*columns), np.zeros(len(row_N), np.int32), row_N)
        return self.config.paths((self.video,), rows, path_N, place)
