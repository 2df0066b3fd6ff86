"""Which predictions are true positives: candidates ranked, joined with the truth, matched greedily.

One engine for frames and tubes; the fields of :class:`bench.protocol.Rules` choose. A prediction may only
claim truth of its own label and of its own frame (frames) or video (tubes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.protocol import Rules
from bench.records import Array

CHUNK = 1 << 20
"""Pairs of predictions and truths handled at once: bounds the memory."""


class Candidates(NamedTuple):
    """Predictions to be ranked, in the order given: video (position in the truth), label, score (float32)."""

    video_N: Array
    label_N: Array
    score_N: Array


class Pairs(NamedTuple):
    """Predictions (row among the candidates) with truths that they overlap, by row, then truth."""

    row_P: Array
    truth_P: Array
    iou_P: Array


@dataclass(frozen=True)
class Ranking:
    """Scored predictions of one level in the order AP is summed, and the truth each may claim.

    Predictions are sorted by label, then score descending, equal scores in the order given (or the other way
    round, ``rules.equal_scores``). Pairs that do not overlap are left out; the others lie in the order of
    claims: by the turn of the prediction (best score first, of equal ones the first given; or as they were
    given, ``rules.claims``), then IoU descending, then truth (last one first, ``rules.equal_overlaps``).
    """

    video_N: Array
    """Position of the prediction's video in the ground truth."""
    label_N: Array
    score_N: Array
    row_N: Array
    """Row of the prediction among those that were given."""
    pair_prediction_P: Array
    """Rank of the pair's prediction, 0 .. N-1."""
    pair_truth_P: Array
    """Number of the pair's truth."""
    pair_iou_P: Array
    truths_VC: Array
    """Truths of each video and label, without the ignored ones."""
    ignored_T: Array | None = None
    """Whether each truth, by number, is ignored: not missed, and who claims it does not count. None: none."""

    def true_positives(self, threshold: float, rules: Rules) -> Array:
        """Whether each prediction claims a truth with IoU at the threshold, bool [N].

        Greedy in the order of claims. Raises ValueError for a threshold outside (0, 1].
        """
        matched = np.zeros(len(self.label_N), bool)
        matched[self.claims(threshold, rules)[0]] = True
        return matched

    def claims(self, threshold: float, rules: Rules) -> tuple[Array, Array]:
        """Ranks of the true positives and the number of the truth that each claims, int64 [K] each."""
        close = self._close(threshold, rules)
        if self.ignored_T is not None:
            close &= ~self.ignored_T[self.pair_truth_P]
        return _greedy(self.pair_prediction_P[close], self.pair_truth_P[close])

    def counted(self, threshold: float, rules: Rules) -> Array | slice:
        """Rows of the predictions that count: all but those that could only claim ignored truth."""
        if self.ignored_T is None:
            return slice(None)
        claims = self._close(threshold, rules) & self.ignored_T[self.pair_truth_P]
        out = np.zeros(len(self.label_N), bool)
        out[self.pair_prediction_P[claims]] = True
        return np.flatnonzero(~out | self.true_positives(threshold, rules))

    def _close(self, threshold: float, rules: Rules) -> Array:
        """Pairs whose prediction may claim the truth, bool [P]."""
        close = reaches(self.pair_iou_P, threshold, rules)
        return close & _firsts(self.pair_prediction_P) if rules.matching == "best-of-all" else close


def reaches(iou_P: Array, threshold: float, rules: Rules) -> Array:
    """Whether each IoU is enough for a match at the threshold, bool [P].

    The threshold is rounded to 1e-9 first, so that 0.5 + 0.05 * 2 is 0.6; at 1, an IoU within 1e-10 will do
    (COCO). Raises ValueError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"IoU threshold {threshold} is outside (0, 1]; give a fraction such as 0.5")
    bound = round(threshold, 9)
    return iou_P > bound if rules.strict else iou_P >= min(bound, 1 - 1e-10)


def rank(
    candidates: Candidates, pairs: Pairs, truths_VC: Array, rules: Rules, ignored_T: Array | None = None
) -> Ranking:
    """Ranking of predictions given in any order."""
    order = _by_label_and_score(candidates.label_N, candidates.score_N)
    turn_N = rank_N = _inverse(order)
    if rules.equal_scores == "last":
        order = len(order) - 1 - _by_label_and_score(candidates.label_N[::-1], candidates.score_N[::-1])
        rank_N = _inverse(order)
    rows, truth, overlap = (column[pairs.iou_P > 0] for column in pairs)
    turn = rows if rules.claims == "input" else turn_N[rows]
    by_turn = _claim_order(turn, truth, overlap, last=rules.equal_overlaps == "last")
    video, label, score = (column[order] for column in candidates)
    prediction = rank_N[rows[by_turn]]
    return Ranking(
        video, label, score, order, prediction, truth[by_turn], overlap[by_turn], truths_VC, ignored_T
    )


def join(a_N: Array, b_M: Array) -> tuple[Array, Array]:
    """All (row of a, row of b) with equal keys, by row of a, then row of b; int64 [P] each."""
    parts = list(join_in_parts(a_N, b_M, most=np.iinfo(np.int64).max))
    return parts[0] if parts else (np.zeros(0, np.int64), np.zeros(0, np.int64))


def join_in_parts(a_N: Array, b_M: Array, most: int = CHUNK) -> Iterator[tuple[Array, Array]]:
    """As :func:`join`, in parts of about ``most`` pairs: bounds the memory."""
    order = np.argsort(b_M, kind="stable")
    keys, begin, count = np.unique(b_M[order], return_index=True, return_counts=True)
    if not len(keys):
        return
    found = np.minimum(np.searchsorted(keys, a_N), len(keys) - 1)
    rows = np.flatnonzero(keys[found] == a_N)
    begins, counts = begin[found[rows]], count[found[rows]]
    ends = np.cumsum(counts)
    cuts = np.searchsorted(ends, np.arange(most, ends[-1] if len(ends) else 0, most))
    for part in np.split(np.arange(len(rows)), cuts):
        size = counts[part]
        yield np.repeat(rows[part], size), order[np.repeat(begins[part], size) + ramp(size)]


def ramp(counts_N: Array) -> Array:
    """0 .. count-1 for each count, one after the other: [2, 3] gives 0 1 0 1 2."""
    ends = np.cumsum(counts_N)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts_N, counts_N)


def _by_label_and_score(label_N: Array, score_N: Array) -> Array:
    """Rows by label, then score descending, stable; scores float32."""
    bits = (score_N.astype(np.float32) + np.float32(0)).view(np.uint32)  # + 0: -0.0 becomes 0.0
    falling = np.where(bits >> 31, bits, ~bits ^ np.uint32(1 << 31))  # integers that fall as the score rises
    by_score = _stable(falling)
    return by_score[np.argsort(label_N[by_score], kind="stable")]


def _claim_order(turn_P: Array, truth_P: Array, iou_P: Array, last: bool) -> Array:
    """Pairs by turn, then IoU descending, then truth, the ``last`` or the first of equals first.

    Sorted by turn alone but for the few predictions that meet several truths.
    """
    order = _stable(turn_P)
    several = np.flatnonzero((np.bincount(turn_P) > 1)[turn_P[order]])
    pairs = order[several]
    truth = -truth_P[pairs] if last else truth_P[pairs]
    order[several] = pairs[np.lexsort((truth, -iou_P[pairs], turn_P[pairs]))]
    return order


def _stable(keys_N: Array) -> Array:
    """``np.argsort(kind="stable")`` for numbers from 0 to 2^32 - 1, faster: key and row are sorted as one."""
    packed = keys_N.astype(np.uint64) << np.uint64(32) | np.arange(len(keys_N), dtype=np.uint64)
    packed.sort()
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _inverse(order_N: Array) -> Array:
    """Position of each row in an order."""
    place = np.empty(len(order_N), np.int64)
    place[order_N] = np.arange(len(order_N))
    return place


def _firsts(sorted_P: Array) -> Array:
    """Whether each entry is the first of its run."""
    return np.concatenate([np.ones(min(1, len(sorted_P)), bool), np.diff(sorted_P) != 0])


def _greedy(prediction_P: Array, truth_P: Array) -> tuple[Array, Array]:
    """Predictions that get a truth when each in turn takes the best one left, and those truths.

    Pairs lie in the order of claims.

    Round by round, a prediction takes its best remaining truth if no prediction with an earlier turn that is
    still undecided could take that truth; this gives what going one by one gives, in at most as many rounds
    as one frame has truths.
    """
    size = int(truth_P.max()) + 1 if len(truth_P) else 0
    claimant = np.zeros(size, np.int64)
    taken = np.zeros(size, bool)
    winners, prizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    while len(prediction_P):
        claimant[truth_P[::-1]] = prediction_P[::-1]  # the last write stays: whose turn is first
        first = _firsts(prediction_P)
        best, wanted = prediction_P[first], truth_P[first]
        wins = claimant[wanted] == best
        winners.append(best[wins])
        prizes.append(wanted[wins])
        taken[wanted[wins]] = True
        open_ = ~taken[truth_P] & ~np.repeat(wins, np.diff(np.flatnonzero(np.append(first, True))))
        prediction_P, truth_P = prediction_P[open_], truth_P[open_]
    return np.concatenate(winners), np.concatenate(prizes)
