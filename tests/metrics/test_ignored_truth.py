"""Difficult truth: who claims it is left out, of AP, matches and intervals."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import Evaluation, class_precisions, evaluate, intervals
from bench.metrics.tube_iou import overlaps, truth_frames, tube_frames
from bench.metrics.video_map import tube_ranking
from bench.protocol import Evaluator, Protocol, TubeRules
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

PLAIN = TubeRules(box_extent=0, matching="best-of-all", average="envelope", absent_classes="skip")


def score(truth: GroundTruth, tubes: Tubes, **changes: Any) -> Evaluation:
    evaluator = Evaluator("test", tubes=replace(PLAIN, **changes))
    return evaluate(truth, None, tubes, Protocol("hand", "1", evaluator))


def difficult(*flags: bool) -> GroundTruth:
    """Truth of class A, one tube a flag, all in video v0, ten pixels apart."""
    tubes = [(0, 0, range(3), (20.0 * i, 0.0, 20.0 * i + 9, 9.0)) for i in range(len(flags))]
    truth = worked.truth(tubes)
    return replace(truth, tubes=replace(truth.tubes, difficult=np.array(flags)))


def at(place: int, score: float) -> tuple[int, int, range, tuple[float, ...], float]:
    return (0, 0, range(3), (20.0 * place, 0.0, 20.0 * place + 9, 9.0), score)


@pytest.mark.parametrize("matching", ["best-of-all", "best-remaining"])
def test_who_claims_ignored_truth_is_left_out(matching: str) -> None:
    truth = difficult(True, False)
    tubes = worked.tubes([at(0, 0.9), at(0, 0.8), at(2, 0.7), at(1, 0.6)])
    result = score(truth, tubes, matching=matching, difficult="ignore")
    assert result.per_class["video_ap/0.50"]["A"] == 50  # a miss, then the hit
    rows = result.matches.query("threshold == 0.5")
    assert rows["true_positive"].tolist() == [False, True]
    assert rows["score"].tolist() == pytest.approx([0.7, 0.6])
    assert result.truth.query("label == 0")["count"].sum() == 1
    # counted, the same truth is found first and its duplicate is wrong: precisions 1 and 2/4
    assert score(truth, tubes, matching=matching).per_class["video_ap/0.50"]["A"] == pytest.approx(50 + 25)


def test_ignored_truth_is_left_out_only_where_it_is_claimed() -> None:
    truth = difficult(True, False)
    tubes = worked.tubes([(0, 0, range(3), (0.0, 0.0, 4.0, 9.0), 0.9), at(1, 0.8)])  # IoU 36 / 81 = 0.44
    result = score(truth, tubes, difficult="ignore")
    assert result.per_class["video_ap/0.40"]["A"] == 100
    assert result.per_class["video_ap/0.50"]["A"] == 50


def test_intervals_with_ignored_truth() -> None:
    tubes = [(video, 0, range(3), BOX) for video in range(4)]
    truth = worked.truth(tubes, "A", 4)
    truth = replace(truth, tubes=replace(truth.tubes, difficult=np.array([True, False, False, False])))
    linked = worked.tubes([(v, 0, range(3), BOX, 0.9 - v / 10) for v in range(3)], 4)
    result = score(truth, linked, difficult="ignore")
    protocol = Protocol("hand", "1", Evaluator("test", tubes=replace(PLAIN, difficult="ignore")))
    assert result.per_class["video_ap/0.50"]["A"] == pytest.approx(200 / 3)
    assert class_precisions(result.matches, result.truth, protocol)["video_ap/0.50"] == pytest.approx(
        result.per_class["video_ap/0.50"]
    )
    low, high = intervals(result.matches, result.truth, protocol, 300)["video_map/0.50"]
    assert 0 <= low < 200 / 3 < high <= 100


def test_a_class_with_ignored_truth_alone_counts_as_absent() -> None:
    truth = difficult(True)
    tubes = worked.tubes([at(0, 0.9), at(1, 0.8)])
    assert score(truth, tubes, difficult="ignore").metrics["video_map/0.50"] is None
    assert score(truth, tubes, difficult="ignore", absent_classes="zero").metrics["video_map/0.50"] == 0


def one_by_one(
    truth: GroundTruth, tubes: Tubes, rules: TubeRules, threshold: float
) -> list[tuple[int, bool]]:
    """Tubes that count and whether they are true, by the plain loop, in order of label and score."""
    found, annotated = tube_frames(tubes), truth_frames(truth, rules)
    heads, taken, flags = tubes[tubes.starts], set(), []
    hard = truth.tubes.difficult & (rules.difficult == "ignore")
    for i in np.lexsort((-heads.score, heads.label)):
        same = np.flatnonzero((truth.tubes.video == heads.video[i]) & (truth.tubes.label == heads.label[i]))
        iou = overlaps(found, np.full(len(same), i), annotated, same, rules).combined(rules.overlap)
        if rules.matching == "best-of-all":
            best = [same[j] for j in np.argsort(-iou, kind="stable")[:1] if iou[j] >= threshold]
            fair = [j for j in best if not hard[j]]
        else:
            close = [j for j in np.argsort(-iou, kind="stable") if iou[j] >= threshold]
            best = [same[j] for j in close]
            fair = [j for j in best if not hard[j] and j not in taken][:1]
        hit = bool(fair) and fair[0] not in taken
        if hit or not any(hard[j] for j in best):
            flags.append((int(i), hit))
        taken |= set(fair)
    return flags


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["best-remaining", "best-of-all"]),
    st.sampled_from(["count", "ignore"]),
    st.sampled_from(["spatial", "spatio-temporal"]),
)
def test_matching_equals_one_by_one(seed: int, matching: str, hard: str, overlap: str) -> None:
    rng = np.random.default_rng(seed)

    def tube() -> tuple[int, int, range, tuple[float, ...]]:
        corner, size, start = rng.integers(0, 8, 2), rng.integers(5, 10, 2), int(rng.integers(4))
        box = (*corner.tolist(), *(corner + size).tolist())
        return int(rng.integers(2)), int(rng.integers(2)), range(start, start + int(rng.integers(1, 6))), box

    truth = worked.truth([tube() for _ in range(rng.integers(1, 7))])
    truth = replace(truth, tubes=replace(truth.tubes, difficult=rng.random(len(truth.tubes)) < 0.4))
    number = int(rng.integers(1, 12))
    tubes = worked.tubes([(*tube(), float(s)) for s in rng.permutation(number) / 32])
    rules = TubeRules(matching=matching, difficult=hard, overlap=overlap)  # type: ignore[arg-type]
    ranking = tube_ranking(truth, tubes, rules)
    for threshold in (0.1, 0.3, 0.5):
        counted = np.arange(number)[ranking.counted(threshold, rules)]
        flags = ranking.true_positives(threshold, rules)
        ours = [(int(ranking.row_N[i]), bool(flags[i])) for i in counted]
        assert ours == one_by_one(truth, tubes, rules, threshold)
