"""Average precision from ranked true positives, and the means that have names.

Everything works on weighted counts, one column a set of weights: the point estimate has one column of ones,
the bootstrap one column a resample.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.protocol import COCO_THRESHOLDS, Evaluator, Protocol, Rules
from bench.records import Array

COCO = f"{COCO_THRESHOLDS[0]:.2f}-{COCO_THRESHOLDS[-1]:.2f}"
"""How the mean over ten thresholds is written in a metric's name."""

NAMES = {"frame": "frame", "tube": "video"}
"""Level to the word in metric names: ``frame_map``, ``video_map``."""

Wanted = Mapping[str, tuple[str, tuple[float, ...]]]
"""A part of :func:`reported`."""

Curves = Mapping[tuple[str, float], Array]
"""(level, threshold) to AP_CR: fractions, a row a class, a column a set of weights."""


def average_precision(hits_KR: Array, before_KR: Array, truths_R: Array, rules: Rules) -> Array:
    """AP of one class as a fraction, float64 [R]; NaN where there is no truth.

    hits_KR: weights of the K true positives, best first. before_KR: weight of all predictions ranked ahead of
    each. truths_R: weight of the truth. Only true positives move the recall, so the rest need no rows.
    By ``rules.average``: ``trapezoid``: area under the raw points (recall, precision), the first at recall 0,
    precision 1 (ACT.py). ``envelope``: each precision is raised to the highest at any greater recall (VOC
    2010, all points). ``101-points``: the mean of the envelope's heights where recall .00, .01 ... 1.00 is
    reached, 0 where it is not (COCO).
    """
    found = np.cumsum(hits_KR, axis=0)
    total = before_KR + hits_KR
    height = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
    total_R = truths_R + rules.recall_epsilon
    if rules.average == "trapezoid":
        ahead = np.divide(found - hits_KR, before_KR, out=np.ones_like(found), where=before_KR > 0)
        height = (height + ahead) / 2
    else:
        height = np.maximum.accumulate(height[::-1], axis=0)[::-1]
    if rules.average == "101-points":
        points = [_at_recalls(found[:, r], height[:, r], total) for r, total in enumerate(total_R)]
        return np.where(truths_R > 0, np.mean(points, axis=1), np.nan)
    area = np.einsum("kr,kr->r", hits_KR, height)
    return np.divide(area, total_R, out=np.full(len(area), np.nan), where=truths_R > 0)


def _at_recalls(found_K: Array, height_K: Array, truths: float) -> Array:
    """Height of the curve where each of the 101 recalls is reached."""
    reached = np.searchsorted(found_K / max(truths, 1), np.linspace(0, 1, 101))
    return np.append(height_K, 0.0)[reached]


def average_precisions(positive_N: Array, label_N: Array, truths_C: Array, rules: Rules) -> Array:
    """AP_C1 of ranked predictions (sorted by label, best first), all weights 1; NaN as above, or left out."""
    bounds = np.searchsorted(label_N, np.arange(len(truths_C) + 1))
    result = np.full((len(truths_C), 1), np.nan)
    for label in np.intersect1d(detected_classes(bounds, rules), np.flatnonzero(truths_C)):
        before = np.flatnonzero(positive_N[bounds[label] : bounds[label + 1]]).astype(np.float64)[:, None]
        truths = truths_C[[label]].astype(np.float64)
        result[label] = average_precision(np.ones_like(before), before, truths, rules)
    return result


def detected_classes(bounds: Array, rules: Rules) -> Array:
    """Labels that have an AP; ``bounds`` [C + 1] is where the predictions of each begin."""
    skip = rules.undetected_classes == "skip"
    return np.flatnonzero(np.diff(bounds) > 0) if skip else np.arange(len(bounds) - 1)


def class_percents(ap_CR: Array, truths_C: Array, rules: Rules) -> Array:
    """AP in percent, NaN where a class is left out: without truth at all (``skip``) or in these weights."""
    percent = 100 * ap_CR
    if rules.absent_classes == "zero":
        percent[np.asarray(truths_C) == 0] = 0.0
    return percent


def class_mean(percent_CR: Array) -> Array:
    """mAP over the classes that are not left out, [R]; NaN where all are."""
    counted = ~np.isnan(percent_CR)
    number = counted.sum(axis=0)
    total = np.where(counted, percent_CR, 0).sum(axis=0)
    return np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)


def reported(protocol: Protocol) -> dict[str, tuple[str, tuple[float, ...]]]:
    """Name such as ``frame/0.50`` or ``video/0.50-0.95`` to (level, thresholds whose AP is averaged).

    Thresholds are rounded to 1e-9, so that 0.5 + 0.05 * 2 is 0.6.
    """
    names = {f"frame/{t:.2f}": ("frame", (round(t, 9),)) for t in protocol.frame_thresholds}
    names |= {f"video/{t:.2f}": ("tube", (round(t, 9),)) for t in protocol.video_thresholds}
    return names | {f"video/{COCO}": ("tube", COCO_THRESHOLDS)}


def thresholds(protocol: Protocol, level: str) -> list[float]:
    """Every threshold that the reported numbers of a level need, rising."""
    return sorted({t for at, values in reported(protocol).values() if at == level for t in values})


def summarise(
    curves: Curves, truths: Mapping[str, Array], wanted: Wanted, evaluator: Evaluator
) -> dict[str, Array]:
    """Name to percent_CR for the ``wanted`` part of :func:`reported`; ``truths`` is level to truths_C."""
    return {
        name: np.mean(
            [class_percents(curves[level, t], truths[level], evaluator.rules(level)) for t in values], axis=0
        )
        for name, (level, values) in wanted.items()
    }
