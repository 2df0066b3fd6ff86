"""Ranked tubes and all annotated tubes of their videos, of their own class and of others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.metrics.matching import Ranking, join
from bench.metrics.tube_iou import overlaps, truth_frames, tube_frames
from bench.metrics.video_map import moved, tube_ranking
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes


@dataclass(frozen=True)
class TubePairs:
    """Every ranked tube with every annotated tube of its video, by rank, then truth.

    Truths are numbered as the rows of ``GroundTruth.tubes``.
    """

    rules: TubeRules
    ranking: Ranking
    rank_P: Array
    truth_P: Array
    same_P: Array
    """Whether both have one label."""
    spatial_P: Array
    """Mean box IoU over the common frames, as the rules have it."""
    temporal_P: Array
    """IoU of the spans, likewise; 1 where the rules leave time out."""
    iou_P: Array
    """What the rules hold against a threshold: the product of both."""
    label_M: Array
    """Label of each truth."""
    ignored_M: Array
    """Whether the rules ignore it."""

    @classmethod
    def build(cls, truth: GroundTruth, tubes: Tubes, rules: TubeRules) -> TubePairs:
        """``tubes.videos`` must be those of ``truth``."""
        ranking = tube_ranking(truth, tubes, rules)
        prediction, number = join(ranking.video_N, truth.tubes.video)
        found = tube_frames(tubes)
        placed = replace(found, boxes_N4=moved(found.boxes_N4, rules))
        annotated = truth_frames(truth, rules)
        overlap = overlaps(placed, ranking.row_N[prediction], annotated, number, rules)
        ignored = np.zeros(len(truth.tubes), bool) if ranking.ignored_T is None else ranking.ignored_T
        spans = np.ones(len(number)) if rules.overlap == "spatial" else overlap.temporal_P
        label = truth.tubes.label
        return cls(
            rules, ranking, prediction, number, label[number] == ranking.label_N[prediction],
            overlap.spatial_P, spans, overlap.combined(rules.overlap), label, ignored,
        )  # fmt: skip

    def best(self, picked_P: Array) -> Array:
        """The pair with the greatest IoU of each prediction, among those picked whose truth counts.

        int64 [N], -1 where a prediction has none; of equals the truth first annotated.
        """
        best = np.full(len(self.ranking.label_N), -1, np.int64)
        rows = np.flatnonzero(picked_P & ~self.ignored_M[self.truth_P])
        rising = rows[np.lexsort((-self.truth_P[rows], self.iou_P[rows], self.rank_P[rows]))]
        best[self.rank_P[rising]] = rising  # the last write stays
        return best

    def of(self, column_P: Array, pair_N: Array) -> Array:
        """The value of a column at the pair of each prediction, 0 where it has none."""
        return np.append(column_P, 0)[pair_N]
