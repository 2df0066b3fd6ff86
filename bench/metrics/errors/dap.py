"""What fixing one kind of error alone is worth: dAP for tubes, in the spirit of TIDE (Bolya et al. 2020).

Every ranked tube that counts is a true positive or has one kind: the first that holds, where T is the IoU
threshold, and overlap is what the protocol's rules hold against it.

``duplicate``   its overlap with truth of its class reaches T: a better tube has claimed that
``class``       its overlap with truth of another class reaches T
``time``        its overlap with truth of its class is at least 0.1, and the spans overlap less than the
                boxes: a bad start or end
``boxes``       likewise, and the boxes overlap less than the spans, or as much
``background``  all others

``missed`` is truth that no tube claims and that is not the target of any tube of kind ``class``, ``time`` or
``boxes``. Its target is the truth that it overlaps most, of other classes or of its own.

To fix a kind, all else is left as it is. Duplicates and background are removed. A tube of kind ``class``,
``time`` or ``boxes`` is put on its target: it takes that class and becomes a true positive, with the score it
has; if the target is claimed, or a better tube that is fixed has the same one, it is removed instead. Missed
truth counts no more, and a class of which no truth is left has AP 100: all that it lacked was missed.

The dAP of a kind is the mAP with that kind fixed minus the mAP. A fix takes false positives away, adds true
positives or lowers the number of truths, so no dAP is negative, in any class, under any AP rule. With all
kinds fixed, each class with truth has AP 100 (less what ``recall_epsilon`` costs).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from bench.metrics.ap import average_precisions, class_percents
from bench.metrics.errors.tube_pairs import TubePairs
from bench.metrics.matching import reaches
from bench.protocol import TubeRules
from bench.records import Array

KINDS = ("duplicate", "class", "time", "boxes", "background", "missed")
DUPLICATE, CLASS, TIME, BOXES, BACKGROUND = range(1, 6)
"""Codes of the kinds; 0 is a true positive."""

FOREGROUND = 0.1
"""IoU with truth of its class from which on a tube is misplaced rather than on the background (TIDE's)."""


def dap(pairs: TubePairs, threshold: float) -> dict[str, Array]:
    """Kind to dAP_C in percentage points under the rules of the pairs, NaN for a class left out of the mean.

    Raises ValueError for a threshold that is not above 0.1.
    """
    if threshold <= FOREGROUND:
        raise ValueError(f"dAP needs an IoU threshold above {FOREGROUND}, from which on tubes are misplaced")
    errors = TubeErrors.find(pairs, threshold)
    before = errors.percents(())
    return {kind: errors.percents([kind]) - before for kind in KINDS}


@dataclass(frozen=True)
class TubeErrors:
    """The tubes that count, by label, best first; truths are numbered as the rows of the truth's tubes."""

    rules: TubeRules
    label_N: Array
    score_N: Array
    kind_N: Array
    """Code of the kind."""
    target_N: Array
    """The truth that a tube claims, or would claim if fixed; -1 for duplicates and background."""
    truth_label_M: Array
    missed_M: Array
    truths_C: Array

    @classmethod
    def find(cls, pairs: TubePairs, threshold: float) -> TubeErrors:
        """Kind and target of every tube that counts."""
        rules, ranking = pairs.rules, pairs.ranking
        own, other = pairs.best(pairs.same_P), pairs.best(~pairs.same_P)
        own_iou, other_iou = pairs.of(pairs.iou_P, own), pairs.of(pairs.iou_P, other)
        kind = np.full(len(own), BOXES)
        kind[pairs.of(pairs.temporal_P, own) < pairs.of(pairs.spatial_P, own)] = TIME
        kind[own_iou < FOREGROUND] = BACKGROUND
        kind[reaches(other_iou, threshold, rules)] = CLASS
        kind[reaches(own_iou, threshold, rules)] = DUPLICATE
        target = pairs.of(pairs.truth_P, np.where(kind == CLASS, other, own))
        target[(kind == DUPLICATE) | (kind == BACKGROUND)] = -1
        winner, claimed = ranking.claims(threshold, rules)
        kind[winner], target[winner] = 0, claimed
        counted = ranking.counted(threshold, rules)
        kind, target = kind[counted], target[counted]
        missed = ~pairs.ignored_M
        missed[target[target >= 0]] = False
        return cls(
            rules, ranking.label_N[counted], ranking.score_N[counted], kind, target,
            pairs.label_M, missed, ranking.truths_VC.sum(axis=0),
        )  # fmt: skip

    def percents(self, fixed: Collection[str]) -> Array:
        """AP_C in percent with the errors of these kinds fixed, NaN for a class left out of the mean."""
        fixed_N = np.isin(self.kind_N, [KINDS.index(kind) + 1 for kind in fixed])
        mended_N = self._mended(fixed_N)
        kept = np.flatnonzero(~fixed_N | mended_N)
        label_N = self.label_N.copy()
        label_N[mended_N] = self.truth_label_M[self.target_N[mended_N]]
        label = label_N[kept]
        order = np.lexsort((-self.score_N[kept], label))
        positive = ((self.kind_N == 0) | mended_N)[kept]
        truths = self.truths_C.copy()
        if "missed" in fixed:
            truths -= np.bincount(self.truth_label_M[self.missed_M], minlength=len(truths))
        every = replace(self.rules, undetected_classes="zero")
        ap_C1 = average_precisions(positive[order], label[order], truths, every)
        ap_C1[(truths == 0) & (self.truths_C > 0)] = 1
        percent = class_percents(ap_C1, self.truths_C, self.rules)[:, 0]
        if self.rules.undetected_classes == "skip":
            percent[np.bincount(self.label_N, minlength=len(truths)) == 0] = np.nan
        return percent

    def _mended(self, fixed_N: Array) -> Array:
        """Whether each tube becomes a true positive when these are fixed: the best with its target."""
        found = self.target_N[self.kind_N == 0]
        asked = np.flatnonzero(fixed_N & (self.target_N >= 0) & ~np.isin(self.target_N, found))
        best_first = asked[np.argsort(-self.score_N[asked], kind="stable")]
        _, first = np.unique(self.target_N[best_first], return_index=True)
        mended = np.zeros(len(fixed_N), bool)
        mended[best_first[first]] = True
        return mended
