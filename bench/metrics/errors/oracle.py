"""What a component's perfection would be worth (Chéron et al. 2018, RecLNet, section 5.3 and table 8).

video-mAP at IoU 0.75 with one or several components taken to be correct:

``spatial``   the boxes: where a tube and a truth of its class have a mean box IoU above 0.3, it counts as 1
``temporal``  the span: where their spans have an IoU above 0.3, it counts as 1
``class``     all false positives get score 0, so they stand behind all true positives and AP is the recall

All else is the protocol's. What the paper leaves open is read thus. Every pair of a tube and a truth of its
class is judged by itself. A tube still prefers the truth that it really overlaps most ("its ground truth").
``class`` comes last: false positives are those that remain under the other assumptions, and no tube changes
its class.

Assuming a component never lowers an AP compared with assuming none, and ``class`` never lowers any. Assuming
both ``spatial`` and ``temporal`` never gives less than one of them where a tube claims the best of all truth,
or overlaps a single truth of its class. Otherwise it can: a tube that may now claim either of two truths
prefers one that a weaker tube needs.

The classes that are left out are those that the protocol leaves out, whatever is assumed: one whose tubes all
come to claim ignored truth has nothing found, AP 0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.metrics.ap import average_precisions, class_percents
from bench.metrics.errors.tube_pairs import TubePairs
from bench.metrics.matching import Ranking
from bench.protocol import TubeRules
from bench.records import Array

THRESHOLD = 0.75
ENOUGH = 0.3
"""The overlap above which a component is taken to be correct."""

SUBSETS = {
    "short": (
        "Basketball", "BasketballDunk", "CricketBowling", "SalsaSpin", "TennisSwing", "VolleyballSpiking"
    ),
}  # fmt: skip
"""Classes whose mean is given besides: those of UCF101-24 that last less than half of the video (4.1)."""

KINDS = (
    "none", "temporal", "spatial", "class",
    "temporal+class", "spatial+class", "temporal+spatial", "temporal+spatial+class",
)  # fmt: skip
"""What is assumed to be correct, in the order of the table's rows."""


def oracle(pairs: TubePairs, threshold: float = THRESHOLD) -> dict[str, Array]:
    """Kind to AP_C in percent under the rules of the pairs, NaN for a class left out."""
    ranking, size = pairs.ranking, len(pairs.label_M)
    place = np.searchsorted(
        pairs.rank_P * size + pairs.truth_P, ranking.pair_prediction_P * size + ranking.pair_truth_P
    )
    components = {"temporal": pairs.temporal_P[place], "spatial": pairs.spatial_P[place]}
    found = {}
    for kind in KINDS:
        assumed = kind.split("+")
        temporal, spatial = (
            np.where(overlap > ENOUGH, 1.0, overlap) if name in assumed else overlap
            for name, overlap in components.items()
        )
        better = replace(ranking, pair_iou_P=temporal * spatial)
        found[kind] = _percents(better, pairs.rules, threshold, "class" in assumed)
    left_out = np.isnan(found["none"])
    return {kind: np.where(left_out, np.nan, np.nan_to_num(ap_C)) for kind, ap_C in found.items()}


def _percents(ranking: Ranking, rules: TubeRules, threshold: float, class_correct: bool) -> Array:
    """AP_C in percent; with correct classes all true positives are ranked ahead of all others."""
    counted = ranking.counted(threshold, rules)
    positive, label = ranking.true_positives(threshold, rules)[counted], ranking.label_N[counted]
    if class_correct:
        positive = positive[np.lexsort((~positive, label))]
    truths = ranking.truths_VC.sum(axis=0)
    return class_percents(average_precisions(positive, label, truths, rules), truths, rules)[:, 0]
