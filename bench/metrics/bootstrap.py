"""Uncertainty by resampling source groups: what the numbers would be had other sources been filmed.

Videos of one source group (UCF's gXX) are near copies of each other, so groups, not videos, are drawn with
replacement (Efron and Tibshirani 1993, ch. 13: percentile intervals), within each class so that every class
keeps its number of groups. A group drawn twice counts twice: each of its predictions and truths has weight 2.

The evidence of a mean over splits has the matches of all splits, told apart by the column ``split``. A group
that several splits test is drawn once for all of them, each split's AP is made under the same weights, and
the splits are averaged: an interval says how far the mean of these trained networks would move had other
sources been filmed; splits are no independent samples, and are not treated as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.metrics.ap import Wanted, average_precision, class_mean, detected_classes, reported, summarise
from bench.metrics.evaluation import Evaluation, percent
from bench.metrics.groups import Counts, by_split, joined
from bench.protocol import Protocol, Rules
from bench.records import Array

CHUNK = 1 << 21
"""Elements of one weighted curve handled at once: bounds the memory."""


Parts = list[tuple[pd.DataFrame, Counts]]
"""Matches and truth of every split."""


class Difference(NamedTuple):
    """A paired comparison in percentage points: a minus b, its 95% interval, two-sided p-value.

    Interval and p are None where resampling says nothing, because every class has one source group.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def better(self) -> int:
        """1: a is significantly better, its interval lies above 0; -1: b is; 0: a tie, or no interval."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


def class_precisions(
    matches: pd.DataFrame, truth: pd.DataFrame, protocol: Protocol
) -> dict[str, dict[str, float | None]]:
    """``Evaluation.per_class`` of the levels scored, recomputed from the two tables alone."""
    parts = by_split(matches, truth)
    counts = parts[0][1]
    values = _of_splits(parts, protocol, np.ones((len(counts.groups), 1)))
    return {
        name.replace("/", "_ap/"): {c: percent(v) for c, v in zip(counts.classes, ap_C1[:, 0])}
        for name, (_, ap_C1) in values.items()
    }


def intervals(
    matches: pd.DataFrame, truth: pd.DataFrame, protocol: Protocol, resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95% percentile intervals, percent, of each mAP (``video_map/0.50``) and AP (``video_ap/0.50/<class>``).

    ``frame_map/auc`` has none: its thresholds are not in the matches. A class without truth in a resample is
    left out of that resample; a class left out of all has no interval. Where every class has one source
    group alone, no resample differs from the data, and there is no interval at all.
    """
    parts = by_split(matches, truth)
    counts = joined(parts)
    weights_GR = counts.resamples(resamples, seed)
    if _says_nothing(weights_GR):
        return {}
    result = {}
    for name, (map_R, ap_CR) in _of_splits(parts, protocol, weights_GR).items():
        samples = {name.replace("/", "_map/"): map_R}
        samples |= {f"{name.replace('/', '_ap/')}/{c}": ap for c, ap in zip(counts.classes, ap_CR)}
        for key, values in samples.items():
            if not np.isnan(values).all():
                low, high = np.nanpercentile(values, (2.5, 97.5))
                result[key] = (float(low), float(high))
    return result


def paired_difference(
    a: Evaluation, b: Evaluation, metric: str, protocol: Protocol, *, resamples: int = 1000, seed: int = 0
) -> Difference:
    """``a`` minus ``b`` on one mAP such as ``video_map/0.50``, both scored on the same resampled groups.

    p: how often the difference of a resample lies at least as far from the observed one as that lies from 0
    (bootstrap centred on the observed difference), (1 + times) / (1 + resamples). Differences are rounded to
    1e-9, so that none is made of rounding errors. Raises ValueError if the metric has no matches, or the two
    results have different truth.
    """
    wanted = {name: what for name, what in reported(protocol).items() if name.replace("/", "_map/") == metric}
    if not wanted:
        choices = ", ".join(name.replace("/", "_map/") for name in reported(protocol))
        raise ValueError(f"{metric!r} has no matches to compare; choose one of {choices}")
    level = next(iter(wanted.values()))[0]
    sides = [by_split(side.matches, side.truth[side.truth["level"].astype(str) == level]) for side in (a, b)]
    counts = _shared_truth(sides[0], sides[1], metric, level)
    weights_GR = np.hstack([np.ones((len(counts.groups), 1)), counts.resamples(resamples, seed)])
    if _says_nothing(weights_GR):
        weights_GR = weights_GR[:, :1]
    first, second = (
        map_R for parts in sides for map_R, _ in _of_splits(parts, protocol, weights_GR, wanted).values()
    )
    observed, *drawn = (first - second).round(9)
    samples = np.array(drawn)[~np.isnan(drawn)]
    if not len(samples):
        return Difference(float(observed), None, None, None)
    low, high = np.percentile(samples, (2.5, 97.5))
    times = int(np.count_nonzero(np.abs(samples - observed).round(9) >= abs(observed)))
    return Difference(float(observed), float(low), float(high), (1 + times) / (1 + len(samples)))


def _shared_truth(a: Parts, b: Parts, metric: str, level: str) -> Counts:
    """The truth that both results have at the level."""
    if any(not counts.levels for parts in (a, b) for _, counts in parts):
        raise ValueError(
            f"{metric!r} is not applicable to one of the results: its {level} level was not scored"
        )
    same = len(a) == len(b) and all(
        one.groups == other.groups and np.array_equal(one.levels[level], other.levels[level])
        for (_, one), (_, other) in zip(a, b)
    )
    if not same:
        raise ValueError("the two results were scored on different truth; compare results of one protocol id")
    return joined(a)


def _of_splits(
    parts: Parts, protocol: Protocol, weights_GR: Array, wanted: Wanted | None = None
) -> dict[str, tuple[Array, Array]]:
    """Each number's (mAP_R, percent_CR), averaged over the splits; a split that leaves a class out has none.

    The mAP is the mean of the splits' mAPs, not the mean of the classes' averages.
    """
    found = [_percents(matches, counts, protocol, weights_GR, wanted) for matches, counts in parts]
    return {
        name: (
            class_mean(np.stack([class_mean(values[name]) for values in found])),
            np.stack([class_mean(row_SR) for row_SR in np.stack([v[name] for v in found], axis=1)]),
        )
        for name in found[0]
    }


def _says_nothing(weights_GR: Array) -> bool:
    """Whether no resample differs from the data: groups are drawn within classes, and each has but one."""
    return bool((weights_GR == 1).all())


def _percents(
    matches: pd.DataFrame,
    counts: Counts,
    protocol: Protocol,
    weights_GR: Array,
    wanted: Wanted | None = None,
) -> dict[str, Array]:
    """Percent_CR under each weighting of the wanted numbers, by default all that the levels scored have."""
    wanted = reported(protocol) if wanted is None else wanted
    wanted = {name: what for name, what in wanted.items() if what[0] in counts.levels}
    level_N = _codes(matches["level"], sorted(counts.levels))
    threshold_N = matches["threshold"].to_numpy()
    curves = {}
    for level, t in {(level, t) for level, values in wanted.values() for t in values}:
        rows = np.flatnonzero((level_N == sorted(counts.levels).index(level)) & (threshold_N == t))
        ranked = _Ranked.read(matches.iloc[rows], counts.groups)
        curves[level, t] = ranked.average_precisions(
            counts.levels[level], weights_GR, protocol.evaluator.rules(level)
        )
    return summarise(curves, counts.truths(), wanted, protocol.evaluator)


@dataclass(frozen=True)
class _Ranked:
    """Matches at one level and threshold, by label, best first."""

    label_N: Array
    group_N: Array
    positive_N: Array

    @classmethod
    def read(cls, rows: pd.DataFrame, groups: list[str]) -> _Ranked:
        rows = rows.iloc[np.argsort(rows["label"].to_numpy(), kind="stable")]
        positive = rows["true_positive"].to_numpy(bool)
        return cls(rows["label"].to_numpy(), _codes(rows["group"], groups), positive)

    def average_precisions(self, counts_GC: Array, weights_GR: Array, rules: Rules) -> Array:
        """AP_CR as fractions."""
        bounds = np.searchsorted(self.label_N, np.arange(counts_GC.shape[1] + 1))
        result = np.full((counts_GC.shape[1], weights_GR.shape[1]), np.nan)
        for label in detected_classes(bounds, rules):
            truths_G = counts_GC[:, label]
            rows = slice(bounds[label], bounds[label + 1])
            group_K, ahead_KG = _ahead(self.group_N[rows], self.positive_N[rows], len(weights_GR))
            step = max(1, CHUNK // max(1, len(group_K)))
            for begin in range(0, weights_GR.shape[1], step):
                weights = weights_GR[:, begin : begin + step]
                result[label, begin : begin + step] = average_precision(
                    weights[group_K], ahead_KG @ weights, truths_G @ weights, rules
                )
        return result


def _ahead(group_N: Array, positive_N: Array, num_groups: int) -> tuple[Array, Array]:
    """Group of each of the K true positives, and the predictions of each group ranked ahead, ahead_KG."""
    hits = np.flatnonzero(positive_N)
    if not len(hits):
        return np.zeros(0, np.int64), np.zeros((0, num_groups))
    ahead_N = np.searchsorted(
        hits, np.arange(hits[-1]), side="right"
    )  # the first true positive each is ahead of
    cell = ahead_N * num_groups + group_N[: hits[-1]]
    ahead_KG = np.bincount(cell, minlength=len(hits) * num_groups).reshape(len(hits), num_groups)
    return group_N[hits], np.cumsum(ahead_KG, axis=0).astype(np.float64)


def _codes(column: pd.Series, names: list[str]) -> Array:
    """Position in ``names`` of each text of a column, -1 where it is none of them."""
    values = column.astype("category").cat
    return np.append(pd.Index(names).get_indexer(values.categories.astype(str)), -1)[values.codes]
