"""What was scored, as tables: every prediction with its outcome, and the truth it was held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.metrics.ap import NAMES, average_precisions
from bench.metrics.matching import Ranking
from bench.protocol import Rules
from bench.records import Array, GroundTruth


class Outcome(NamedTuple):
    """Predictions that count at one threshold, in rank order."""

    rows: slice | Array
    """Which of the ranking's."""
    true_positive_N: Array


@dataclass(frozen=True)
class Level:
    """Ranked predictions of frames or tubes, and their outcome at every threshold asked for."""

    ranking: Ranking
    rules: Rules
    outcomes: dict[float, Outcome]

    @classmethod
    def of(cls, ranking: Ranking, rules: Rules, thresholds: Iterable[float]) -> Level:
        """Raises ValueError for a threshold outside (0, 1]."""
        outcomes = {}
        for threshold in thresholds:
            rows = ranking.counted(threshold, rules)
            outcomes[threshold] = Outcome(rows, ranking.true_positives(threshold, rules)[rows])
        return cls(ranking, rules, outcomes)

    @property
    def truths_C(self) -> Array:
        """Truths of each label."""
        return self.ranking.truths_VC.sum(axis=0)

    def precisions(self, threshold: float) -> Array:
        """AP_C1 as fractions, NaN for a class without truth or left out."""
        rows, positive = self.outcomes[threshold]
        return average_precisions(positive, self.ranking.label_N[rows], self.truths_C, self.rules)


def match_table(
    truth: GroundTruth, levels: Mapping[str, Level], keys: list[tuple[str, float]]
) -> pd.DataFrame:
    """The outcome of every prediction at each (level, threshold); columns as :class:`Evaluation` says."""
    outcomes = [levels[level].outcomes[threshold] for level, threshold in keys]
    lengths = [len(outcome.true_positive_N) for outcome in outcomes]
    group_of_video, groups = _groups(truth)

    def column(name: str, dtype: str) -> Array:
        parts = [getattr(levels[key[0]].ranking, name)[outcome.rows] for key, outcome in zip(keys, outcomes)]
        return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)

    video = column("video_N", "int32")
    number = np.array([list(NAMES).index(level) for level, _ in keys], np.int8)
    positive = [outcome.true_positive_N for outcome in outcomes]
    return pd.DataFrame(
        {
            "video": _category(video, truth.videos.names),
            "group": _category(group_of_video[video], groups),
            "label": column("label_N", "int16"),
            "level": _category(np.repeat(number, lengths), NAMES),
            "threshold": np.repeat(np.array([t for _, t in keys], np.float64), lengths),
            "score": column("score_N", "float32"),
            "true_positive": np.concatenate([np.zeros(0, bool), *positive]),
        },
        copy=False,
    )


def truth_table(truth: GroundTruth, levels: Mapping[str, Level]) -> pd.DataFrame:
    """Truths of every level, group and label; columns as :class:`Evaluation` says."""
    group_of_video, groups = _groups(truth)
    parts = [_counts("frame", np.zeros((0, len(truth.classes)), np.int64), groups, truth.classes)]
    for name, level in levels.items():
        counts = np.zeros((len(groups), len(truth.classes)), np.int64)
        np.add.at(counts, group_of_video, level.ranking.truths_VC)
        parts.append(_counts(name, counts, groups, truth.classes))
    return pd.concat(parts, ignore_index=True)


def _counts(level: str, counts_GC: Array, groups: Iterable[str], classes: Iterable[str]) -> pd.DataFrame:
    """One level of the table; no group: no rows, of the same types."""
    group, label = np.indices(counts_GC.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "level": _category(np.full(counts_GC.size, list(NAMES).index(level)), NAMES),
            "group": _category(group, groups),
            "label": label.astype(np.int16),
            "class": _category(label, classes),
            "count": counts_GC.ravel(),
        }
    )


def _groups(truth: GroundTruth) -> tuple[Array, list[str]]:
    """Group code of each video and the names of the groups, sorted."""
    groups = sorted(set(truth.videos.group))
    code = {name: i for i, name in enumerate(groups)}
    return np.array([code[name] for name in truth.videos.group], np.int32), groups


def _category(codes: Array, names: Iterable[str]) -> pd.Categorical[str]:
    """A column of texts from their positions in ``names``."""
    return pd.Categorical.from_codes(codes.astype(np.int32), pd.Index(list(names)))
