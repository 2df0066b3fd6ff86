"""Source groups of the evidence: how much truth each has, and how often resamples draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from bench.records import Array

SPLIT = "split"
"""Column of the evidence of a mean over splits; that of one split has none."""


@dataclass(frozen=True)
class Counts:
    """Truth of a result: counts_GC of each level, over the same groups and classes."""

    groups: list[str]
    classes: list[str]
    levels: dict[str, Array]

    @classmethod
    def read(cls, truth: pd.DataFrame, among: pd.DataFrame | None = None) -> Self:
        """Of a table of truth counts; the groups are those of ``among``, by default its own."""
        groups = sorted((truth if among is None else among)["group"].astype(str).unique())
        named = truth[["label", "class"]].drop_duplicates().sort_values("label")
        levels = {}
        for level, rows in truth.groupby(truth["level"].astype(str), sort=True):
            counts = np.zeros((len(groups), len(named)), np.int64)
            counts[pd.Categorical(rows["group"].astype(str), groups).codes, rows["label"]] = rows["count"]
            levels[str(level)] = counts
        return cls(groups, named["class"].astype(str).tolist(), levels)

    def truths(self) -> dict[str, Array]:
        """Level to truths_C."""
        return {level: counts.sum(axis=0) for level, counts in self.levels.items()}

    def resamples(self, number: int, seed: int) -> Array:
        """How often each group is drawn, weights_GR float64.

        Strata are classes. A group's class is that of most of its truth (the first of equals) at the first
        level; groups without truth are a stratum of their own.
        """
        if not self.levels:
            return np.zeros((0, number))
        counts = next(iter(self.levels.values()))
        stratum = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
        rng = np.random.default_rng(seed)
        weights = np.zeros((len(self.groups), number))
        for value in np.unique(stratum):
            members = np.flatnonzero(stratum == value)
            weights[members] = rng.multinomial(
                len(members), np.full(len(members), 1 / len(members)), number
            ).T
        return weights


def by_split(matches: pd.DataFrame, truth: pd.DataFrame) -> list[tuple[pd.DataFrame, Counts]]:
    """The evidence of every split, over the groups of all splits; one pair where there is one split."""
    if SPLIT not in truth or truth.empty:
        return [(matches, Counts.read(truth))]
    names = truth[SPLIT].astype(str)
    return [
        (matches[matches[SPLIT].astype(str) == name], Counts.read(truth[names == name], truth))
        for name in sorted(names.unique())
    ]


def joined(parts: list[tuple[pd.DataFrame, Counts]]) -> Counts:
    """The truth of all splits together, which says what class a group is of.

    A group that several splits test is one group still: it is drawn once, for all of them.
    """
    first = parts[0][1]
    levels = {level: np.sum([counts.levels[level] for _, counts in parts], axis=0) for level in first.levels}
    return Counts(first.groups, first.classes, levels)
