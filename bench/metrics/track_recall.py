"""How much of the truth do tracks cover, before anything is scored: the recall of track proposals.

A track covers an annotated instance by its mean box overlap within the action's interval: the IoU with the
annotated box, averaged over the frames of the interval that have one, a frame without a box of the track
counting 0. What a track does before and after the action is not held against it. Where every frame of the
interval is annotated this is the spatio-temporal IoU of the instance with the track cut to the interval, if
that has no gaps.
RecLNet (arXiv 1806.11008, section 4) tells of its person tracks on DALY that way: 92.2% recall at 0.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import iou
from bench.metrics.matching import join_in_parts, reaches
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes

ANY_CLASS = -1
"""The label of a track that stands for every class, as a person's does."""


@dataclass(frozen=True)
class Coverage:
    """How well the best track covers each annotated instance that counts.

    row_M: of the instance in ``truth.tubes``; label_M: its class, of ``classes``; overlap_M: 0 to 1; track_M:
    the ``tube`` of the track, the first given of equal ones, -1 where none meets the instance.
    """

    classes: tuple[str, ...]
    rules: TubeRules
    row_M: Array
    label_M: Array
    overlap_M: Array
    track_M: Array

    def recall(self, threshold: float = 0.3) -> float:
        """Percent of the instances that are covered at the threshold, NaN where there is none.

        Raises ValueError for a threshold outside (0, 1].
        """
        found_M = reaches(self.overlap_M, threshold, self.rules)
        return 100.0 * float(found_M.mean()) if len(found_M) else float("nan")

    def class_recalls(self, threshold: float = 0.3) -> dict[str, float]:
        """The same of the instances of each class."""
        found_M = reaches(self.overlap_M, threshold, self.rules)
        parts = [found_M[self.label_M == label] for label in range(len(self.classes))]
        means = [100.0 * float(part.mean()) if len(part) else float("nan") for part in parts]
        return dict(zip(self.classes, means))


def coverage(truth: GroundTruth, tracks: Tubes, rules: TubeRules) -> Coverage:
    """How well tracks cover the truth. Of the rules ``box_extent``, ``strict`` and ``difficult`` count.

    A track of label -1 covers instances of every class, any other one those of its own. Scores are not
    looked at. The inputs are not changed. Raises ValueError for labels outside the classes, videos that the
    truth lacks, and boxes that are no numbers.
    """
    tracks, tubes = _checked(truth, tracks), truth.tubes
    within_N = _within(truth)
    instance_P, track_P, total_P = _totals(truth, within_N, tracks, rules.box_extent)
    frames_A = np.bincount(within_N[within_N >= 0], minlength=len(tubes))
    overlap_P = total_P / frames_A[instance_P]
    rising = np.lexsort((-track_P, overlap_P))  # the last that is written of an instance stays
    overlap_A, track_A = np.zeros(len(tubes)), np.full(len(tubes), -1)
    overlap_A[instance_P[rising]] = overlap_P[rising]
    track_A[instance_P[rising]] = tracks.tube[tracks.starts][track_P[rising]]
    rows = np.flatnonzero(~tubes.difficult | (rules.difficult == "count"))
    return Coverage(truth.classes, rules, rows, tubes.label[rows], overlap_A[rows], track_A[rows])


def _checked(truth: GroundTruth, tracks: Tubes) -> Tubes:
    """The same rows over the videos of the truth."""
    classes = len(truth.classes)
    if len(tracks) and not ANY_CLASS <= tracks.label.min() <= tracks.label.max() < classes:
        raise ValueError(
            f"tracks: labels {tracks.label.min()} to {tracks.label.max()}, but the ground truth has"
            f" {classes} classes; labels are 0-based in its order, -1 is a track of any class"
        )
    bad = np.flatnonzero(~np.isfinite(tracks.boxes_N4).all(axis=1))
    if len(bad):
        raise ValueError(
            f"tracks: the box in row {bad[0]}, video {tracks.videos[tracks.video[bad[0]]]!r}, is no box of "
            "numbers; drop such rows"
        )
    return tracks.with_videos(truth.videos.names)


def _within(truth: GroundTruth) -> Array:
    """Of each row of ``truth.boxes`` the row of its tube in ``truth.tubes``; -1 outside the tube's span."""
    tubes, boxes, instance = truth.tubes, truth.boxes, truth.box_tubes()
    within = (boxes.frame >= tubes.start[instance]) & (boxes.frame < tubes.end[instance])
    return np.where(within, instance, -1)


def _totals(truth: GroundTruth, instance_N: Array, tracks: Tubes, extent: int) -> tuple[Array, Array, Array]:
    """(instance, track, sum of the IoUs over the frames) of what meets; tracks are numbered in row order."""
    starts, boxes = tracks.starts, truth.boxes
    places = pair_keys(boxes.video, boxes.frame)
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(tracks))))
    rows = np.flatnonzero(instance_N >= 0)
    pairs: list[Array] = [np.zeros(0, np.int64)]
    totals: list[Array] = [np.zeros(0)]
    for a, b in join_in_parts(places[rows], pair_keys(tracks.video, tracks.frame)):
        instance, label = instance_N[rows[a]], tracks.label[b]
        fits = (label == ANY_CLASS) | (label == truth.tubes.label[instance])
        key, inverse = np.unique(instance[fits] * len(starts) + number[b[fits]], return_inverse=True)
        overlap = iou(boxes.boxes_N4[rows[a[fits]]], tracks.boxes_N4[b[fits]], extent)
        pairs.append(key)
        totals.append(np.bincount(inverse, overlap, len(key)))
    key, inverse = np.unique(np.concatenate(pairs), return_inverse=True)
    instance, track = np.divmod(key, max(len(starts), 1))
    return instance, track, np.bincount(inverse, np.concatenate(totals), len(key))
