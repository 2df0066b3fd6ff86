"""Tracks of persons, whatever they do: every class gets a path along each track, with its own scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bench.keys import pair_keys
from bench.records import Array, Detections
from bench.tubes.base import Found, Linker, detections_of
from bench.tubes.boxes import class_scores, first_rows, in_order
from bench.tubes.kernels import writable
from bench.tubes.kernels.common import Boxes, grouped
from bench.tubes.kernels.tracking import FREE, Rules, track_videos
from bench.tubes.paths import Gaps, Paths, chained


@dataclass(frozen=True)
class TrackingByDetection(Linker):
    """Tracks by detection alone, after Weinzaepfel et al. 2016 (DALY): from the best box left in the video,
    forwards and backwards, until none is good enough to start from.

    The authors' tracker also looks at the picture; here the detector's score and the overlap decide. The
    numbers are ours. A box counts with its objectness, or its best class score where it has none.

    start_score: lowest score of the box that a track starts from.
    min_iou: a track goes on with the free box that overlaps its last by at least this IoU and has the highest
        sum of IoU and score (continuous boxes).
    nms: free boxes whose IoU with a track's box in the same frame is above this go.
    max_gap: a track ends when it has missed this many frames in a row.
    tracks: most tracks of a video.
    min_boxes: fewest boxes found, filled gaps not counted, of a track that is kept.
    gaps: what a missed frame holds; its scores are those of the next box found.
    """

    name: str = field(default="tracking", init=False)
    start_score: float = field(default=0.1, metadata={"range": (0.01, 0.9)})
    min_iou: float = field(default=0.3, metadata={"range": (0.05, 0.7)})
    nms: float = field(default=0.3, metadata={"range": (0.1, 0.8)})
    max_gap: int = field(default=10, metadata={"range": (1, 30)})
    tracks: int = field(default=100, metadata={"range": (1, 200)})
    min_boxes: int = field(default=10, metadata={"range": (1, 30)})
    gaps: Gaps = field(default="interpolate", metadata={"choices": ("copy", "interpolate")})

    def __post_init__(self) -> None:
        for name in ("max_gap", "tracks", "min_boxes"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrackingByDetection.{name} is {getattr(self, name)}, must be at least 1")

    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """As :class:`Linker` says."""
        detections = detections_of(found, self.name)
        box_N, scores_BC = class_scores(detections)
        head_B = first_rows(box_N, len(scores_BC))
        boxes = detections[head_B]
        worth_B = scores_BC.max(axis=1, initial=0) if boxes.objectness is None else boxes.objectness
        order = in_order(boxes.video, boxes.frame)
        order = np.arange(len(boxes)) if order is None else order
        boxes, worth_B, head_B = boxes[order], worth_B[order], head_B[order]
        track_B = self._tracks(boxes, worth_B)
        rows, bounds = grouped(track_B, int(track_B.max(initial=-1)) + 1)
        counts = np.diff(bounds)
        rows = rows[np.repeat(counts >= self.min_boxes, counts)]
        tracks = _tracks(boxes[rows], track_B[rows], head_B[rows], self.gaps)
        return every_class(tracks, detections, box_N, scores_BC)

    def _tracks(self, boxes: Detections, worth_B: Array) -> Array:
        """The track of each box, negative for none. Boxes by video, then frame."""
        rows = Boxes(*writable(boxes.frame, boxes.label, boxes.boxes_N4, worth_B))
        bounds = np.searchsorted(boxes.video, np.arange(len(boxes.videos) + 1))
        track_B = np.full(len(boxes), FREE, np.int64)
        rules = Rules(self.start_score, self.min_iou, self.nms, self.max_gap, self.tracks)
        track_videos(rows, bounds, np.lexsort((-worth_B, boxes.video)), rules, track_B)
        return track_B


@dataclass(frozen=True)
class GivenTracks(Linker):
    """Nothing is linked: the paths are the tracks that the detections name in their column ``track``.

    A box whose track is negative is on none.

    gaps: what a frame holds that a track lacks; its scores are those of the next box.
    """

    name: str = field(default="given", init=False)
    gaps: Gaps = field(default="interpolate", metadata={"choices": ("copy", "interpolate")})

    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """As :class:`Linker` says. Raises ValueError without tracks, or for two boxes of one in a frame."""
        detections = detections_of(found, self.name)
        if detections.track is None:
            raise ValueError(
                "given tracks: the detections have no column 'track'; link them by another rule, 'online'"
            )
        box_N, scores_BC = class_scores(detections)
        head_B = first_rows(box_N, len(scores_BC))
        boxes = detections[head_B]
        assert boxes.track is not None
        order = np.lexsort((boxes.frame, boxes.track, boxes.video))
        order = order[boxes.track[order] >= 0]
        key = pair_keys(boxes.video, boxes.track)
        same = (np.diff(key[order]) == 0) & (np.diff(boxes.frame[order]) == 0)
        if np.any(same):
            box = order[np.flatnonzero(same)[0]]
            raise ValueError(
                f"track {boxes.track[box]} of video {boxes.videos[boxes.video[box]]!r} has two boxes in "
                f"frame {boxes.frame[box]}"
            )
        tracks = _tracks(boxes[order], key[order], head_B[order], self.gaps)
        return every_class(tracks, detections, box_N, scores_BC)


def _tracks(boxes: Detections, track: Array, row: Array, gaps: Gaps) -> Paths:
    """Tracks as paths of label 0, gaps filled; boxes by track, then frame."""
    return chained(
        boxes.videos, gaps, video=boxes.video, path=track, label=np.zeros(len(boxes)), frame=boxes.frame,
        boxes_R4=boxes.boxes_N4, score=boxes.score, row=row,
    )  # fmt: skip


def every_class(tracks: Paths, detections: Detections, box_N: Array, scores_BC: Array) -> Paths:
    """A path along each track for every class that one of its boxes has, best mean score first.

    ``box_N``: box of each detection, ``scores_BC`` its scores, 0 for a class that it lacks. Where a box lacks
    the class, ``row`` is one of its other detections.
    """
    there = (
        np.logical_or.reduceat(scores_BC[box_N[tracks.row]] > 0, tracks.starts)
        if len(tracks)
        else np.zeros((0, 0))
    )
    track_P, label_P = np.nonzero(there)
    paths = tracks.ordered(track_P)
    label = np.repeat(label_P, paths.lengths)
    box_R = box_N[paths.row]
    row_BC = np.full(scores_BC.shape, -1)
    row_BC[box_N, detections.label] = np.arange(len(detections))
    row = row_BC[box_R, label]
    row = np.where(row < 0, paths.row, row)
    paths = replace(paths, label=label, score=scores_BC[box_R, label], row=row)
    head = paths.starts
    return paths.ordered(np.lexsort((-paths.top_mean(None), paths.label[head], paths.video[head])))
