"""Video level: tubes against annotated tubes of the same video and label (video-AP)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.keys import pair_keys
from bench.metrics.boxes import suppress
from bench.metrics.matching import Candidates, Pairs, Ranking, join, rank
from bench.metrics.tube_iou import FrameIndex, overlaps, truth_frames, tube_frames, tube_iou
from bench.protocol import TubeRules
from bench.records import Array, GroundTruth, Tubes


def tube_ranking(truth: GroundTruth, tubes: Tubes, rules: TubeRules) -> Ranking:
    """Ranked tubes, those that the rules keep, with the truth they overlap.

    ``tubes.videos`` must be those of ``truth``; a tube's label and score are those of its first row.
    ``row_N`` is the number of each tube in row order; truths are numbered as the rows of ``truth.tubes``.
    """
    heads, found = tubes[tubes.starts], tube_frames(tubes)
    kept = np.arange(len(heads))
    if rules.score_above is not None:
        kept = np.flatnonzero(heads.score > rules.score_above)
    kept = kept[tube_nms(heads[kept], found, kept, rules)]
    if rules.score_decimals is None:
        kept.sort()
    heads = heads[kept]
    annotated = truth.tubes
    row, number = join(pair_keys(heads.video, heads.label), pair_keys(annotated.video, annotated.label))
    placed = replace(found, boxes_N4=moved(found.boxes_N4, rules))
    overlap = overlaps(placed, kept[row], truth_frames(truth, rules), number, rules).combined(rules.overlap)
    ignored = annotated.difficult & (rules.difficult == "ignore")
    counts = np.zeros((len(truth.videos), len(truth.classes)), np.int64)
    np.add.at(counts, (annotated.video[~ignored], annotated.label[~ignored]), 1)
    score = heads.score
    if rules.score_decimals is not None:
        score = score.astype(np.float64).round(rules.score_decimals)
    candidates = Candidates(heads.video, heads.label, score)
    ranking = rank(candidates, Pairs(row, number, overlap), counts, rules, ignored if ignored.any() else None)
    return replace(ranking, row_N=kept[ranking.row_N])


def tube_nms(heads: Tubes, found: FrameIndex, number_H: Array, rules: TubeRules) -> Array:
    """Rows of ``heads`` kept, int64: by video, label, best first; in row order where the rules have no NMS.

    ``number_H`` are their numbers in ``found``. Equal scores keep their order. A tube goes when its
    spatio-temporal IoU with a kept one of its video and label is above ``rules.nms``, or exactly that where
    the rules drop it. Boxes are not shifted here.
    """
    limit = rules.nms
    if limit is None:
        return np.arange(len(heads))
    group = pair_keys(heads.video, heads.label)
    order = np.lexsort((-heads.score, group))

    def survives(rows: Array, best: Array) -> Array:
        overlap = tube_iou(found, number_H[rows], found, number_H[best], rules)
        return overlap <= limit if rules.nms_at_limit == "keep" else overlap < limit

    return suppress(order, group, survives)


def moved(boxes_N4: Array, rules: TubeRules) -> Array:
    """Predicted boxes as the rules shift and enlarge them."""
    if not (rules.shift or rules.growth):
        return boxes_N4
    return boxes_N4.astype(np.float64) + np.repeat([rules.shift, rules.shift + rules.growth], 2)
