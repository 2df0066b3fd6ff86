"""What is shown of one video: its best tubes beside the annotated ones, as :mod:`reports` draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.metrics.tube_iou import truth_frames, tube_frames, tube_iou
from bench.names import choose
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes


@dataclass(frozen=True)
class Track:
    """One tube: its T boxes, frames rising, in pixels of the annotation's frames.

    span: first frame, and the one after the last. score, score_T: of the tube and its boxes; None for an
    annotated one. overlap: spatio-temporal IoU with the annotated tube of its class that it meets best; None
    where its class is not annotated.
    """

    name: str
    span: tuple[int, int]
    frame_T: Array
    boxes_T4: Array
    score: float | None = None
    score_T: Array | None = None
    overlap: float | None = None

    def box(self, frame: int) -> Array | None:
        """The box in a frame, float32 [4], if there is one."""
        row = int(np.searchsorted(self.frame_T, frame))
        there = row < len(self.frame_T) and self.frame_T[row] == frame
        return self.boxes_T4[row] if there else None


@dataclass(frozen=True)
class Scene:
    """What is shown of a video: the best of its tubes, best first, and its annotation.

    found: how many tubes it has in all; None where nothing was predicted. frames, fps: 0 where nobody says;
    note: why no tube is shown though there are some.
    """

    video: str
    tubes: tuple[Track, ...]
    truth: tuple[Track, ...]
    found: int | None = None
    frames: int = 0
    fps: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Choice:
    """Which tubes are shown: of these classes (None: all), of this score or more, the best ``top``."""

    min_score: float = 0.0
    top: int = 5
    classes: Sequence[str] | None = None

    def labels(self, names: Sequence[str]) -> Array:
        """Labels of the classes. Raises ValueError naming near ones."""
        if self.classes is None:
            return np.arange(len(names))
        return np.array([list(names).index(choose(name, names, "class")) for name in self.classes], int)


@dataclass(frozen=True)
class Shown:
    """What there is to show of any number of videos. classes: by label, of all labels that occur.

    rules: by which overlap with the annotation is measured.
    """

    classes: Sequence[str]
    tubes: Tubes | None = None
    truth: GroundTruth | None = None
    rules: TubeRules = TubeRules()

    @property
    def videos(self) -> tuple[str, ...]:
        """Those that have tubes or, without any tubes, annotation."""
        if self.tubes is not None:
            return self.tubes.videos
        return () if self.truth is None else self.truth.videos.names

    def find(self, name: str) -> str:
        """The video of that name, its class folder left out or not. Raises ValueError naming near ones."""
        kind = "video of the annotation" if self.tubes is None else "video of the tubes"
        return choose(name, self.videos, kind, {video.rpartition("/")[2]: video for video in self.videos})

    def tubes_of(self, video: str) -> Tubes | None:
        """Its tubes alone; None where nothing was predicted."""
        if self.tubes is None:
            return None
        return self.tubes[self.tubes.video == self.tubes.videos.index(video)].with_videos((video,))

    def truth_of(self, video: str) -> GroundTruth | None:
        """Its annotation alone, None where there is none."""
        known = self.truth is not None and video in self.truth.videos.names
        return self.truth.select((video,)) if self.truth is not None and known else None

    def scene(self, video: str, choice: Choice) -> Scene:
        """What is shown of one video, which :meth:`find` found. Raises ValueError for unknown classes."""
        labels, truth, rows = choice.labels(self.classes), self.truth_of(video), self.tubes_of(video)
        seen = Scene(video, (), ())
        if truth is not None:
            frames, fps = int(truth.videos.frames[0]), float(truth.videos.fps[0])
            seen = replace(seen, truth=self._annotated(truth, labels), frames=frames, fps=fps)
        if rows is None:
            return seen
        heads = rows[rows.starts]
        kept = np.flatnonzero(np.isin(heads.label, labels) & (heads.score >= choice.min_score))
        kept = kept[np.argsort(-heads.score[kept], kind="stable")][: choice.top]
        note = "" if len(kept) or not len(heads) else self._why_none(heads, labels, choice)
        return replace(seen, tubes=self._predicted(rows, kept, truth), found=len(heads), note=note)

    def _predicted(self, rows: Tubes, kept: Array, truth: GroundTruth | None) -> tuple[Track, ...]:
        heads, bounds = rows[rows.starts], np.append(rows.starts, len(rows))
        overlap_K = _best_overlaps(rows, kept, truth, self.rules)
        inner = rows.score if rows.frame_score is None else rows.frame_score
        return tuple(
            Track(
                self.classes[heads.label[tube]], (int(rows.frame[a]), int(rows.frame[b - 1]) + 1),
                rows.frame[a:b], rows.boxes_N4[a:b], float(heads.score[tube]), inner[a:b],
                None if np.isnan(overlap_K[k]) else float(overlap_K[k]),
            )
            for k, tube in enumerate(kept) for a, b in [bounds[tube : tube + 2]]
        )  # fmt: skip

    def _annotated(self, truth: GroundTruth, labels: Array) -> tuple[Track, ...]:
        found = []
        for row in np.flatnonzero(np.isin(truth.tubes.label, labels)):
            boxes = truth.boxes[truth.boxes.tube == truth.tubes.tube[row]]
            boxes = boxes[np.argsort(boxes.frame, kind="stable")]
            span = int(truth.tubes.start[row]), int(truth.tubes.end[row])
            found.append(Track(self.classes[truth.tubes.label[row]], span, boxes.frame, boxes.boxes_N4))
        return tuple(sorted(found, key=lambda track: track.span))

    def _why_none(self, heads: Tubes, labels: Array, choice: Choice) -> str:
        of = heads[np.isin(heads.label, labels)]
        if not len(of):
            there = ", ".join(self.classes[label] for label in np.unique(heads.label))
            return (
                f"none of its {len(heads)} tubes is of {', '.join(choice.classes or ())}; they are of {there}"
            )
        best = float(of.score.max())
        return (
            f"none of its {len(of)} tubes scores {choice.min_score:g} or more, the best {best:.3f}; "
            f"--min-score {math.floor(100 * best) / 100:g} shows it"
        )


def _best_overlaps(rows: Tubes, kept: Array, truth: GroundTruth | None, rules: TubeRules) -> Array:
    """Of each kept tube the best spatio-temporal IoU with an annotated tube of its class, NaN without any."""
    best = np.full(len(kept), np.nan)
    if truth is None:
        return best
    heads = rows[rows.starts]
    tube, other = np.nonzero(heads.label[kept][:, None] == truth.tubes.label[None])
    overlap = tube_iou(tube_frames(rows), kept[tube], truth_frames(truth, rules), other, rules)
    np.fmax.at(best, tube, overlap)
    return best
