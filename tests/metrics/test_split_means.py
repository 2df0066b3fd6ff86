"""Intervals and comparisons of a mean over splits: a source that several splits test is one source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.metrics import Evaluation, class_precisions, intervals, paired_difference
from bench.protocol import COCO_THRESHOLDS, EVALUATORS, Protocol

ACT = Protocol("hand", "mean", EVALUATORS["act"])


def evidence(quality: float, seed: int, groups: range = range(12)) -> Evaluation:
    """Two classes, each with half of the groups; one tube a group, right with the given probability."""
    rng = np.random.default_rng(seed)
    thresholds = sorted({*(round(t, 9) for t in (*ACT.video_thresholds, *COCO_THRESHOLDS))})
    matches, truth = [], []
    for group in groups:
        label, score, good = group % 2, rng.random(), rng.random() < quality
        matches += [(f"v{group}", f"g{group:02}", label, "tube", t, score, good) for t in thresholds]
        truth += [(f"g{group:02}", c, "AB"[c], "tube", int(c == label)) for c in (0, 1)]
    frame = pd.DataFrame(
        matches, columns=["video", "group", "label", "level", "threshold", "score", "true_positive"]
    )
    frame = frame.sort_values(["level", "threshold", "label", "score"], ascending=[True, True, True, False])
    counts = pd.DataFrame(truth, columns=["group", "label", "class", "level", "count"])
    return Evaluation({}, {}, frame, counts)


def joined(**splits: Evaluation) -> Evaluation:
    tables = [
        pd.concat([getattr(e, name).assign(split=split) for split, e in splits.items()], ignore_index=True)
        for name in ("matches", "truth")
    ]
    return Evaluation({}, {}, *tables)


def test_a_split_repeated_is_no_further_evidence() -> None:
    one = evidence(0.6, 0)
    twice = joined(first=one, second=one)
    expected, found = (intervals(e.matches, e.truth, ACT) for e in (one, twice))
    assert found.keys() == expected.keys()
    for name, bounds in expected.items():
        assert found[name] == pytest.approx(bounds)
    assert class_precisions(twice.matches, twice.truth, ACT)["video_ap/0.50"] == pytest.approx(
        class_precisions(one.matches, one.truth, ACT)["video_ap/0.50"]
    )


def test_the_mean_lies_between_the_splits_and_its_interval_around_it() -> None:
    parts = {"1": evidence(0.4, 1), "2": evidence(0.9, 2)}
    both = joined(**parts)
    aps = [class_precisions(e.matches, e.truth, ACT)["video_ap/0.50"]["A"] for e in parts.values()]
    mean = class_precisions(both.matches, both.truth, ACT)["video_ap/0.50"]["A"]
    assert mean == pytest.approx(np.mean(aps))  # type: ignore[arg-type]
    low, high = intervals(both.matches, both.truth, ACT)["video_ap/0.50/A"]
    assert low <= mean <= high  # type: ignore[operator]


def test_sources_that_only_one_split_tests_count_there() -> None:
    parts = {"1": evidence(0.9, 1, range(8)), "2": evidence(0.9, 2, range(4, 12))}
    both = joined(**parts)
    low, high = intervals(both.matches, both.truth, ACT)["video_map/0.50"]
    assert 0 <= low < high <= 100


def test_means_are_compared_on_the_same_sources() -> None:
    good = joined(a=evidence(1.0, 3), b=evidence(1.0, 4))
    bad = joined(a=evidence(0.2, 3), b=evidence(0.2, 4))
    same = paired_difference(good, good, "video_map/0.50", ACT)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    apart = paired_difference(good, bad, "video_map/0.50", ACT)
    assert apart.better == 1
    assert apart.difference == pytest.approx(-paired_difference(bad, good, "video_map/0.50", ACT).difference)


def test_splits_of_different_truth_are_refused() -> None:
    a = joined(a=evidence(1.0, 3), b=evidence(1.0, 4))
    other = joined(a=evidence(1.0, 3), b=evidence(1.0, 4, range(10)))
    with pytest.raises(ValueError, match="different truth"):
        paired_difference(a, other, "video_map/0.50", ACT)
    with pytest.raises(ValueError, match="different truth"):
        paired_difference(a, evidence(1.0, 3), "video_map/0.50", ACT)
    empty = replace(a, truth=a.truth.iloc[:0], matches=a.matches.iloc[:0])
    with pytest.raises(ValueError, match="not applicable"):
        paired_difference(a, empty, "video_map/0.50", ACT)
