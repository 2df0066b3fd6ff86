"""Which predictions are true positives: candidates ranked, joined with the truth, matched greedily.

One engine for frames and tubes; the fields of :class:`bench.protocol.Rules` choose. A prediction may only
claim truth of its own label and of its own frame (frames) or video (tubes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.protocol import Rules
from bench.records import Array


@dataclass(frozen=True)
class Ranking:
    """Scored predictions of one level in the order AP is summed, and the truth each may claim.

    Predictions are sorted by label, then score descending, equal scores in the order given. Pairs are sorted
    by prediction, then IoU descending, then truth; pairs that do not overlap are left out.
    """

    video_N: Array
    """Position of the prediction's video in the ground truth."""
    label_N: Array
    score_N: Array
    pair_prediction_P: Array
    """Rank of the pair's prediction, 0 .. N-1."""
    pair_truth_P: Array
    """Number of the pair's truth."""
    pair_iou_P: Array
    truths_VC: Array
    """Truths of each video and label."""

    def true_positives(self, threshold: float, rules: Rules) -> Array:
        """Whether each prediction claims a truth with IoU at the threshold, bool [N].

        Greedy in rank order. The threshold is rounded to 1e-9 first, so that 0.5 + 0.05 * 2 is 0.6.
        Raises ValueError for a threshold outside (0, 1].
        """
        if not 0 < threshold <= 1:
            raise ValueError(f"IoU threshold {threshold} is outside (0, 1]; give a fraction such as 0.5")
        bound = round(threshold, 9)
        close = self.pair_iou_P > bound if rules.strict else self.pair_iou_P >= bound
        if rules.matching == "best-of-all":
            close &= _firsts(self.pair_prediction_P)
        matched = np.zeros(len(self.label_N), bool)
        prediction, truth = self.pair_prediction_P[close], self.pair_truth_P[close]
        matched[_greedy(prediction, truth, int(self.truths_VC.sum()))] = True
        return matched


def rank(
    video_N: Array, label_N: Array, score_N: Array, pairs: tuple[Array, Array, Array], truths_VC: Array
) -> Ranking:
    """Ranking of predictions given in any order; ``pairs`` are (prediction row, truth number, IoU)."""
    order = _by_label_and_score(label_N, score_N)
    rank_of_row = np.empty(len(order), np.int64)
    rank_of_row[order] = np.arange(len(order))
    rows, truth, overlap = (column[pairs[2] > 0] for column in pairs)
    prediction = rank_of_row[rows]
    by_rank = np.lexsort((truth, -overlap, prediction))
    return Ranking(
        video_N[order], label_N[order], score_N[order],
        prediction[by_rank], truth[by_rank], overlap[by_rank], truths_VC,
    )  # fmt: skip


def join(a_N: Array, b_M: Array) -> tuple[Array, Array]:
    """All (row of a, row of b) with equal keys, by row of a, then row of b; int64 [P] each."""
    order = np.argsort(b_M, kind="stable")
    keys, begin, count = np.unique(b_M[order], return_index=True, return_counts=True)
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found = np.minimum(np.searchsorted(keys, a_N), len(keys) - 1)
    rows = np.flatnonzero(keys[found] == a_N)
    counts = count[found[rows]]
    return np.repeat(rows, counts), order[np.repeat(begin[found[rows]], counts) + ramp(counts)]


def ramp(counts_N: Array) -> Array:
    """0 .. count-1 for each count, one after the other: [2, 3] gives 0 1 0 1 2."""
    ends = np.cumsum(counts_N)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts_N, counts_N)


def _by_label_and_score(label_N: Array, score_N: Array) -> Array:
    """Rows by label, then score descending, stable: ``np.lexsort((-score, label))``, faster."""
    order = np.argsort(label_N, kind="stable")
    falling = -score_N
    parts = np.split(order, np.flatnonzero(np.diff(label_N[order])) + 1)
    return np.concatenate([part[np.argsort(falling[part], kind="stable")] for part in parts])


def _firsts(sorted_P: Array) -> Array:
    """Whether each entry is the first of its run."""
    return np.concatenate([np.ones(min(1, len(sorted_P)), bool), np.diff(sorted_P) != 0])


def _greedy(prediction_P: Array, truth_P: Array, num_truths: int) -> Array:
    """Predictions that get a truth when each in turn takes the best one left.

    Round by round, a prediction takes its best remaining truth if no better-ranked prediction that is still
    undecided could take that truth; this gives what going one by one gives, in at most as many rounds as one
    frame has truths.
    """
    claimant = np.zeros(num_truths, np.int64)
    taken = np.zeros(num_truths, bool)
    winners = [np.zeros(0, np.int64)]
    while len(prediction_P):
        claimant[truth_P[::-1]] = prediction_P[::-1]  # the last write stays: the best-ranked candidate
        first = _firsts(prediction_P)
        best, wanted = prediction_P[first], truth_P[first]
        wins = claimant[wanted] == best
        winners.append(best[wins])
        taken[wanted[wins]] = True
        open_ = ~taken[truth_P] & ~np.repeat(wins, np.diff(np.flatnonzero(np.append(first, True))))
        prediction_P, truth_P = prediction_P[open_], truth_P[open_]
    return np.concatenate(winners)
