"""Precision over recall from a result's matches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.records import Array
from bench.results.result import read_matches

RECALL_P = np.linspace(0, 1, 101)
"""Where curves are read off."""


def precision_curves(folder: Path, level: str, threshold: float) -> dict[str, Array]:
    """Class to precision_P in percent at each recall of ``RECALL_P``; classes without truth are left out.

    Each precision is the highest at that or any greater recall, 0 where the recall is never reached.
    level: ``frame`` or ``tube``. Empty where the result was not scored there.
    """
    matches, truth = read_matches(folder, level)
    truth = truth[truth["level"].astype(str) == level]
    counts = truth.groupby(["label", "class"], observed=True)["count"].sum().reset_index()
    rows = matches[(matches["threshold"] - threshold).abs() < 1e-9]
    label_N, hit_N = rows["label"].to_numpy(), rows["true_positive"].to_numpy(bool)
    return {
        str(name): _envelope(hit_N[label_N == label], int(count))
        for label, name, count in counts.itertuples(index=False)
        if count
    }


def _envelope(hit_N: Array, truths: int) -> Array:
    """Precision_P of predictions in rank order."""
    found = np.cumsum(hit_N)
    precision = found / np.arange(1, len(hit_N) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    reached = np.searchsorted(found, np.ceil(RECALL_P * truths - 1e-9).clip(1))
    return 100 * np.append(highest, 0.0)[reached]


def class_mean(curves: dict[str, Array]) -> Array:
    """The curve whose height is the mean over classes."""
    return np.mean(list(curves.values()), axis=0)
