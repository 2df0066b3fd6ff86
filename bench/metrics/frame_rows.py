"""Which detections and truth boxes of single frames count: listed frames, capacity, empty boxes."""

from __future__ import annotations

import numpy as np

from bench.keys import pair_keys
from bench.protocol import FrameRules
from bench.records import Array, Detections, GroundTruth


def counted_truth(truth: GroundTruth, rules: FrameRules) -> Array:
    """Rows of ``truth.boxes`` that count, rising, int64."""
    keys = pair_keys(truth.boxes.video, truth.boxes.frame)
    listed = None if rules.frames == "every" else truth.scored_frames
    excluded = truth.excluded_frames if rules.excluded == "dropped" else None
    return np.flatnonzero(_on(keys, listed, excluded))


def counted_detections(truth: GroundTruth, detections: Detections, rules: FrameRules) -> Array:
    """Rows of ``detections`` that count, rising, int64. Their videos must be those of ``truth``."""
    keys = pair_keys(detections.video, detections.frame)
    listed = None if rules.frames == "every" else truth.scored_frames
    excluded = None if rules.excluded == "kept" else truth.excluded_frames
    counts = _on(keys, listed, excluded)
    if rules.frames == "annotated":
        counts &= _among(keys, pair_keys(truth.boxes.video, truth.boxes.frame))
    rows = np.flatnonzero(counts)
    if rules.frame_capacity is not None:
        rows = rows[_strongest(keys[rows], detections.score[rows], rules.frame_capacity)]
    if rules.class_capacity is not None:
        per_class = keys[rows] * (int(detections.label.max(initial=0)) + 1) + detections.label[rows]
        rows = rows[_strongest(per_class, detections.score[rows], rules.class_capacity)]
    if rules.empty_boxes == "dropped":
        boxes = detections.boxes_N4[rows]
        rows = rows[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
    return rows


def _on(keys_N: Array, listed_S2: Array | None, excluded_S2: Array | None) -> Array:
    """Whether each key is a (video, frame) that is listed, or nothing is, and that is not excluded."""
    counts = np.ones(len(keys_N), bool)
    if listed_S2 is not None:
        counts &= _among(keys_N, pair_keys(*listed_S2.T))
    if excluded_S2 is not None:
        counts &= ~_among(keys_N, pair_keys(*excluded_S2.T))
    return counts


def _among(keys_N: Array, known_S: Array) -> Array:
    """``np.isin``, faster where the keys are nearly sorted."""
    if not len(known_S):
        return np.zeros(len(keys_N), bool)
    known = np.unique(known_S)
    return known[np.minimum(np.searchsorted(known, keys_N), len(known) - 1)] == keys_N


def _strongest(group_N: Array, score_N: Array, capacity: int) -> Array:
    """Whether each row is among the best of its group; of equal scores the first rows are."""
    groups, sizes = np.unique(group_N, return_counts=True)
    kept = ~_among(group_N, groups[sizes > capacity])
    crowded = np.flatnonzero(~kept)
    crowded = crowded[np.lexsort((-score_N[crowded], group_N[crowded]))]
    sorted_groups = group_N[crowded]
    begins = np.flatnonzero(np.diff(sorted_groups, prepend=sorted_groups[:1] - 1))
    place = np.arange(len(crowded)) - np.repeat(begins, np.diff(begins, append=len(crowded)))
    kept[crowded[place < capacity]] = True
    return kept
