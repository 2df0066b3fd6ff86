"""Where in time an action begins and ends: cutting paths down to the frames that show it."""

from __future__ import annotations

import numpy as np

from bench.records import Array, Detections
from bench.tubes.kernels import viterbi
from bench.tubes.paths import Paths


def by_actionness(paths: Paths, actionness_R: Array, threshold: float, window: int) -> Paths:
    """The runs of frames whose median-filtered actionness is at least ``threshold``, each a path.

    Su et al. 2019 (PCSC), section 3.4. ``actionness_R``: of each row of ``paths`` for the path's class,
    ``detections.actionness[paths.row]``. ``window``: frames the median is taken over, odd, the frame in the
    middle; beyond the ends of a path its first and last value repeat. Raises ValueError for an even window.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"the window of a median filter must be odd and positive, got {window}")
    if actionness_R.shape != (len(paths),):
        raise ValueError(f"one actionness a row expected: {len(paths)} rows, got shape {actionness_R.shape}")
    return paths.runs(_majority(paths, actionness_R >= threshold, window))


def _majority(paths: Paths, above_R: Array, window: int) -> Array:
    """Whether most rows of the window are ``above``, bool [R]: then, and only then, the median is."""
    first_R = np.repeat(paths.starts, paths.lengths)
    last_R = first_R + np.repeat(paths.lengths, paths.lengths) - 1
    begin_R, end_R = np.arange(len(paths)) - window // 2, np.arange(len(paths)) + window // 2
    before, after = np.maximum(first_R - begin_R, 0), np.maximum(end_R - last_R, 0)
    total = np.concatenate([[0], np.cumsum(above_R)])
    inside = total[end_R - after + 1] - total[begin_R + before]
    return 2 * (inside + before * above_R[first_R] + after * above_R[last_R]) > window


def by_labelling(paths: Paths, scores_RC: Array, alpha: float) -> Paths:
    """The runs of frames where a path's own class wins its temporal labelling, each a path.

    Singh et al. 2017, section 3.5: each path's frames are labelled with the sequence of action classes of
    highest total score, ``alpha`` subtracted for every change. ``scores_RC``: scores of each row's box for
    the action classes, background left out (:func:`class_scores`).
    """
    keep_R = np.zeros(len(paths), bool)
    for start, length in zip(paths.starts, paths.lengths):
        rows = slice(start, start + length)
        labels_T, _ = viterbi(scores_RC[rows], alpha)
        keep_R[rows] = labels_T == paths.label[start]
    return paths.runs(keep_R)


def class_scores(paths: Paths, detections: Detections, num_classes: int) -> Array:
    """Scores of each row's box for all classes, float32 [R, C]; 0 where the detections lack the label."""
    boxes, scores_BC = detections.dense(num_classes)
    return scores_BC[np.searchsorted(boxes.box, detections.box[paths.row])]
