"""Temporal labelling by dynamic programming."""

from __future__ import annotations

import numpy as np

from bench.records import Array
from bench.tubes.kernels import compiled


@compiled
def _highest(values: Array) -> int:
    """Position of the highest value, the first of equal ones."""
    best = 0
    for i in range(1, len(values)):
        if values[i] > values[best]:
            best = i
    return best


@compiled
def _best_labels(
    scores_TC: Array, alpha: float, totals_TC: Array, previous_TC: Array, labels_T: Array
) -> None:
    """As :func:`viterbi`, into arrays that have room."""
    frames, classes = scores_TC.shape
    for c in range(classes):
        totals_TC[0, c] = scores_TC[0, c]
    for t in range(1, frames):
        best = _highest(totals_TC[t - 1])
        jump = totals_TC[t - 1, best] - alpha
        for c in range(classes):
            stay = totals_TC[t - 1, c]
            changes = jump > stay or (jump == stay and best < c)
            previous_TC[t, c] = best if changes else c
            totals_TC[t, c] = scores_TC[t, c] + (jump if changes else stay)
    labels_T[frames - 1] = _highest(totals_TC[frames - 1])
    for t in range(frames - 1, 0, -1):
        labels_T[t - 1] = previous_TC[t, labels_T[t]]


@compiled
def viterbi(scores_TC: Array, alpha: float) -> tuple[Array, Array]:
    """Best label of every frame when a change of label costs ``alpha``, and the best totals D_TC.

    D[t, c] = scores[t, c] + max_k (D[t-1, k] - alpha * (k != c)), D before the first frame 0; the lowest
    label wins a tie (Singh et al. 2017; Evangelidis et al. 2014). labels int64 [T].
    """
    totals_TC = np.zeros(scores_TC.shape)
    labels_T = np.zeros(len(scores_TC), np.int64)
    _best_labels(scores_TC, alpha, totals_TC, np.zeros(scores_TC.shape, np.int64), labels_T)
    return labels_T, totals_TC


@compiled
def own_label_wins(
    bounds_P: Array, label_P: Array, box_R: Array, scores_BC: Array, alpha: float, keep_R: Array
) -> None:
    """Whether the best label of each row is its path's own, where box ``box_R[r]`` has ``scores_BC[box]``.

    Path p has the rows ``bounds_P[p]`` to ``bounds_P[p + 1]``.
    """
    longest, classes = 0, scores_BC.shape[1]
    for p in range(len(label_P)):
        longest = max(longest, bounds_P[p + 1] - bounds_P[p])
    scores_TC, totals_TC = np.zeros((longest, classes)), np.zeros((longest, classes))
    previous_TC, labels_T = np.zeros((longest, classes), np.int64), np.zeros(longest, np.int64)
    for p in range(len(label_P)):
        first, frames = bounds_P[p], bounds_P[p + 1] - bounds_P[p]
        for t in range(frames):
            for c in range(classes):
                scores_TC[t, c] = scores_BC[box_R[first + t], c]
        _best_labels(scores_TC[:frames], alpha, totals_TC, previous_TC, labels_T)
        for t in range(frames):
            keep_R[first + t] = labels_T[t] == label_P[p]


@compiled
def action_wins(bounds_P: Array, score_R: Array, alpha: float, keep_R: Array) -> None:
    """As :func:`own_label_wins` with two labels, action of score s and background of score 1 - s."""
    longest = 0
    for p in range(len(bounds_P) - 1):
        longest = max(longest, bounds_P[p + 1] - bounds_P[p])
    scores_T2, totals_T2 = np.zeros((longest, 2)), np.zeros((longest, 2))
    previous_T2, labels_T = np.zeros((longest, 2), np.int64), np.zeros(longest, np.int64)
    for p in range(len(bounds_P) - 1):
        first, frames = bounds_P[p], bounds_P[p + 1] - bounds_P[p]
        for t in range(frames):
            scores_T2[t, 0] = score_R[first + t]
            scores_T2[t, 1] = 1.0 - scores_T2[t, 0]
        _best_labels(scores_T2[:frames], alpha, totals_T2, previous_T2, labels_T)
        for t in range(frames):
            keep_R[first + t] = labels_T[t] == 0
