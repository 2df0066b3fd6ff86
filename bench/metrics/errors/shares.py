"""Shares of the errors: what stands where precision is lost, summed over recall as AP is.

At each rank the predictions so far are true positives or errors of some kind; their fractions add up to 1.
"""

from __future__ import annotations

import numpy as np

from bench.metrics.ap import detected_classes
from bench.protocol import Rules
from bench.records import Array


def integrate(kind_N: Array, label_N: Array, truths_C: Array, kinds: int, rules: Rules) -> Array:
    """AP, the share of each kind and what was missed, fractions [kinds + 1, C]; NaN for a class left out.

    kind_N: code of each ranked prediction (by label, best first): 0 for a true positive, else 1 .. kinds - 1.
    AP is a weighted sum of the precision at points of the curve; a share is the same sum of the fractions of
    its kind, and what the weights lack to 1 was missed, the last row. Each column adds up to 1.
    """
    shares = np.full((kinds + 1, len(truths_C)), np.nan)
    bounds = np.searchsorted(label_N, np.arange(len(truths_C) + 1))
    for label in detected_classes(bounds, rules):
        if truths_C[label] or rules.absent_classes == "zero":
            kind = kind_N[bounds[label] : bounds[label + 1]]
            count, weight = _points(np.flatnonzero(kind == 0) + 1, truths_C[label], rules)
            shares[:-1, label] = [weight @ _fraction(kind == code, count, code == 0) for code in range(kinds)]
            shares[-1, label] = 1 - weight.sum()
    return shares


def _fraction(of_kind_N: Array, count_M: Array, at_start: bool) -> Array:
    """Fraction of a kind among the best ``count`` predictions; ``at_start`` where none is counted."""
    so_far = np.concatenate([[0], np.cumsum(of_kind_N)])[count_M]
    return np.divide(so_far, count_M, out=np.full(len(count_M), float(at_start)), where=count_M > 0)


def _points(rank_K: Array, truths: int, rules: Rules) -> tuple[Array, Array]:
    """(count_M, weight_M): AP is the sum of each weight times the precision of the best ``count``.

    rank_K: 1-based ranks of the true positives, rising. The curve starts with a count of 0 and precision 1.
    """
    if not len(rank_K):
        return np.zeros(0, np.int64), np.zeros(0)
    total = truths + rules.recall_epsilon
    if rules.average == "trapezoid":
        return np.concatenate([rank_K - 1, rank_K]), np.full(2 * len(rank_K), 1 / (2 * total))
    found_K = np.arange(1, len(rank_K) + 1)
    envelope_K = rank_K[_highest_after(found_K / rank_K)]
    if rules.average == "envelope":
        return envelope_K, np.full(len(rank_K), 1 / total)
    reached = np.searchsorted(found_K / total, np.linspace(0, 1, 101))
    reached = reached[reached < len(rank_K)]
    return envelope_K[reached], np.full(len(reached), 1 / 101)


def _highest_after(precision_K: Array) -> Array:
    """Position of the highest precision from each point on, int64 [K]."""
    peaks = np.flatnonzero(precision_K == np.maximum.accumulate(precision_K[::-1])[::-1])
    return peaks[np.searchsorted(peaks, np.arange(len(precision_K)))]


def envelope_areas(kind_N: Array, label_N: Array, truths_C: Array, kinds: int) -> Array:
    """Areas below the envelopes of the fractions and what was missed, fractions [kinds, C].

    kind_N as in :func:`integrate`; rows are the kinds 1 .. kinds - 1, then 1 - recall. The envelope is the
    greatest fraction of the kind at this or any later rank (evaluate_multisports.py), so a column may add up
    to more than 1. A class without truth has areas of 0 and all missed.
    """
    areas = np.zeros((kinds, len(truths_C)))
    areas[-1] = 1
    bounds = np.searchsorted(label_N, np.arange(len(truths_C) + 1))
    for label in np.flatnonzero(truths_C):
        kind = kind_N[bounds[label] : bounds[label + 1]]
        hits = np.flatnonzero(kind == 0)
        for code in range(1, kinds):
            fraction = _fraction(kind == code, np.arange(1, len(kind) + 1), at_start=False)
            highest = np.maximum.accumulate(fraction[::-1])[::-1]
            areas[code - 1, label] = highest[hits].sum() / truths_C[label]
        areas[-1, label] = 1 - len(hits) / truths_C[label]
    return areas
