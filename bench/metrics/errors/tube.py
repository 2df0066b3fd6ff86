"""Errors of tubes: MultiSports' shares (Li et al. 2021, evaluate_multisports.py, ``videoAP_error``).

Every tube that is no true positive has one kind. With T the threshold and r its square root:

``repeat``      it overlaps truth of its class, IoU >= T, which a better tube has claimed
``class``       else it overlaps truth of another class, IoU >= T
``extra``       else it overlaps no truth at all
``location``, ``time``, ``time+location``
                else the truth that it overlaps most is of its class: the spans' IoU is >= r and the boxes are
                at fault; the boxes' mean IoU is >= r and the span is; or both are
``class+location``, ``class+time``, ``class+time+location``
                else likewise, and that truth is of another class

``missed`` is the truth that no tube claims. The share of a kind is the area below its *envelope*, the
greatest fraction at any greater recall, so the shares are upper bounds and do not add up to 100.

Overlaps, matching and AP rule are that evaluator's whatever the protocol: no tube is suppressed, and the
shares of two protocols differ only where their truth does (its spans, and which of it is ignored). All of the
truth of a class without any is missed, and the class counts in the mean. Where the reference stops with an
error, the plain meaning holds: the span of a tube with gaps runs from its first to its last box, spans or
boxes that cover nothing have IoU 0, a tube in a video without truth is ``extra``.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.metrics.errors.shares import envelope_areas
from bench.metrics.errors.tube_pairs import TubePairs
from bench.metrics.matching import reaches
from bench.protocol import TubeRules, evaluator
from bench.records import Array, GroundTruth, Tubes

THRESHOLD = 0.5
KINDS = (
    "repeat", "class", "extra", "location", "time", "time+location",
    "class+location", "class+time", "class+time+location", "missed",
)  # fmt: skip
REPEAT, CLASS, EXTRA, LOCATION, TIME, TIME_LOCATION = range(1, 7)
"""Codes of the kinds; 0 is a true positive."""

OF_OTHER_CLASS = 3
"""From the code of ``location`` to that of ``class+location``, and so on."""


def tube_errors(
    truth: GroundTruth, tubes: Tubes, rules: TubeRules, threshold: float = THRESHOLD
) -> dict[str, Array]:
    """Kind to share_C in percent. ``tubes.videos`` must be those of ``truth``, ``rules`` the protocol's."""
    pairs = TubePairs.build(truth, tubes, multisports(rules))
    ranking = pairs.ranking
    counted = ranking.counted(threshold, pairs.rules)
    kinds, labels = tube_kinds(pairs, threshold)[counted], ranking.label_N[counted]
    areas = envelope_areas(kinds, labels, ranking.truths_VC.sum(axis=0), len(KINDS))
    return dict(zip(KINDS, 100 * areas))


def multisports(rules: TubeRules) -> TubeRules:
    """The tube rules of evaluate_multisports.py, with the truth that ``rules`` mean."""
    found = evaluator("multisports").tubes
    assert found is not None
    return replace(found, spans=rules.spans, difficult=rules.difficult)


def tube_kinds(pairs: TubePairs, threshold: float = THRESHOLD) -> Array:
    """Code of each ranked tube, int64 [N]."""
    own, other = pairs.best(pairs.same_P), pairs.best(~pairs.same_P)
    own_iou, other_iou = pairs.of(pairs.iou_P, own), pairs.of(pairs.iou_P, other)
    nearest = np.where(own_iou >= other_iou, own, other)
    root = math.sqrt(threshold)
    boxes_fit = pairs.of(pairs.spatial_P, nearest) >= root
    spans_fit = pairs.of(pairs.temporal_P, nearest) >= root
    kind = np.where(spans_fit, LOCATION, np.where(boxes_fit, TIME, TIME_LOCATION))
    kind[other_iou > own_iou] += OF_OTHER_CLASS
    kind[np.maximum(own_iou, other_iou) == 0] = EXTRA
    kind[reaches(other_iou, threshold, pairs.rules)] = CLASS
    kind[reaches(own_iou, threshold, pairs.rules)] = REPEAT
    kind[pairs.ranking.true_positives(threshold, pairs.rules)] = 0
    return kind
