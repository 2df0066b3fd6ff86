"""Intervals and paired comparison over source groups."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.metrics import Evaluation, class_precisions, evaluate, intervals, paired_difference
from bench.metrics.ap import class_mean
from bench.metrics.bootstrap import _percents
from bench.metrics.groups import Counts
from bench.protocol import EVALUATORS, Evaluator, FrameRules, Protocol, TubeRules

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

ACT = Protocol("hand", "1", EVALUATORS["act"])
VIDEOS = 24
GROUPS = [f"g{i // 2:02d}" for i in range(VIDEOS)]
"""Two videos a group; class A in the first half of the groups, B in the second. Class C has no truth."""


def result(quality: float, seed: int = 0) -> Evaluation:
    """One person a video; a detector that is right on each frame with the given probability."""
    rng = np.random.default_rng(seed)
    label = [int(i >= VIDEOS // 2) for i in range(VIDEOS)]
    truth = worked.truth([(i, label[i], range(5), BOX) for i in range(VIDEOS)], "ABC", VIDEOS, GROUPS)
    rows, linked = [], []
    for video in range(VIDEOS):
        good = rng.random() < quality
        for frame in range(5):
            said = label[video] if rng.random() < quality else 1 - label[video]
            rows.append((video, frame, said, float(rng.random()), BOX))
        linked.append((video, label[video] if good else 2, range(5), BOX, float(rng.random())))
    return evaluate(truth, worked.detections(rows, VIDEOS), worked.tubes(linked, VIDEOS), ACT)


def test_unit_weights_give_the_point_estimate() -> None:
    scored = result(0.7)
    again = class_precisions(scored.matches, scored.truth, ACT)
    assert again.keys() == scored.per_class.keys()
    for name, values in scored.per_class.items():
        assert again[name] == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("average", ["trapezoid", "envelope"])
def test_weighted_average_equals_a_plain_loop(average: str) -> None:
    protocol = replace(
        ACT,
        evaluator=Evaluator("test", frames=FrameRules(average=average), tubes=TubeRules(average=average)),  # type: ignore[arg-type]
    )
    scored = result(0.7)
    counts = Counts.read(scored.truth)
    weights_GR = counts.resamples(5, 3)
    ap = _percents(scored.matches, counts, protocol, weights_GR)["frame/0.50"]
    rows = scored.matches.query("level == 'frame' and threshold == 0.5 and label == 0")
    for r in range(5):
        weight = dict(zip(counts.groups, weights_GR[:, r]))
        points, hits, total = [(0.0, 1.0)], 0.0, 0.0
        for group, positive in zip(rows["group"], rows["true_positive"]):
            hits, total = hits + weight[group] * positive, total + weight[group]
            points.append(
                (hits / (counts.levels["frame"][:, 0] @ weights_GR[:, r]), hits / total if total else 1.0)
            )
        recall, precision = np.array(points).T
        if average == "envelope":
            heights = np.maximum.accumulate(precision[:0:-1])[::-1]
        else:
            heights = (precision[1:] + precision[:-1]) / 2
        assert ap[0, r] == pytest.approx(100 * float(np.diff(recall) @ heights))


def test_weighted_average_by_hand() -> None:
    truth = worked.truth([(0, 0, [0], BOX), (1, 0, [0], BOX)], "A", 2, ["g1", "g2"])
    # g1 hit, g2 miss, g2 hit
    found = worked.detections([(0, 0, 0, 0.9, BOX), (1, 5, 0, 0.8, BOX), (1, 0, 0, 0.7, BOX)])
    scored = evaluate(truth, found, None, ACT)
    weights = np.array([[1.0, 2.0, 0.0], [1.0, 0.0, 2.0]])
    ap = _percents(scored.matches, Counts.read(scored.truth), ACT, weights)["frame/0.50"][0]
    # g2 alone, twice: points (0, 1), miss (0, 0), hit (1, 2/4); g1 alone: one hit, all recall
    assert ap.tolist() == pytest.approx([100 * (1 / 2 + (1 / 2 + 2 / 3) / 2 / 2), 100, 25])


def test_intervals_hold_the_estimate_and_repeat_with_the_seed() -> None:
    scored = result(0.7)
    first = intervals(scored.matches, scored.truth, ACT, resamples=300, seed=1)
    assert first == intervals(scored.matches, scored.truth, ACT, resamples=300, seed=1)
    assert first != intervals(scored.matches, scored.truth, ACT, resamples=300, seed=2)
    for name in ("frame_map/0.50", "video_map/0.50", "video_map/0.50-0.95"):
        low, high = first[name]
        assert 0 <= low < scored.metrics[name] < high <= 100
    low, high = first["frame_ap/0.50/A"]
    assert low < scored.per_class["frame_ap/0.50"]["A"] < high
    assert first["frame_ap/0.50/C"] == (0, 0)  # no truth: 0 under act in every resample
    assert "frame_map/auc" not in first


def test_strata_keep_the_number_of_groups_of_each_class() -> None:
    weights = Counts.read(result(0.7).truth).resamples(50, 0)
    assert (weights[:6].sum(axis=0) == 6).all()
    assert (weights[6:].sum(axis=0) == 6).all()
    assert weights.std() > 0


def test_a_class_without_truth_in_a_resample_is_left_out_of_it() -> None:
    # both groups count as class A; B has truth in the second only, and is perfect; A is never found
    tubes = [(0, 0, range(3), BOX), (1, 0, range(3), BOX), (1, 1, range(2), BOX)]
    truth = worked.truth(tubes, "AB", 2, ["g1", "g2"])
    found = worked.detections([(1, 0, 1, 0.9, BOX), (1, 1, 1, 0.8, BOX)])
    scored = evaluate(truth, found, None, ACT)
    assert scored.metrics["frame_map/0.50"] == 50
    bounds = intervals(scored.matches, scored.truth, ACT, resamples=200)
    assert bounds["frame_map/0.50"] == (0, 50)
    assert bounds["frame_ap/0.50/B"] == (100, 100)


def test_tables_survive_parquet(tmp_path: Path) -> None:
    scored = result(0.7)
    scored.matches.to_parquet(tmp_path / "matches.parquet")
    scored.truth.to_parquet(tmp_path / "truth.parquet")
    matches, truth = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("matches", "truth"))
    assert class_precisions(matches, truth, ACT) == class_precisions(scored.matches, scored.truth, ACT)
    text = matches.astype({"group": str, "level": str, "video": str})
    assert class_precisions(text, truth, ACT) == class_precisions(scored.matches, scored.truth, ACT)


def test_paired_difference() -> None:
    good, bad = result(0.95), result(0.4)
    better = paired_difference(good, bad, "video_map/0.50", ACT, resamples=300)
    assert better.difference == pytest.approx(good.metrics["video_map/0.50"] - bad.metrics["video_map/0.50"])
    assert 0 < better.low < better.difference < better.high
    assert better.p < 0.05
    worse = paired_difference(bad, good, "video_map/0.50", ACT, resamples=300)
    assert worse == pytest.approx((-better.difference, -better.high, -better.low, better.p))
    same = paired_difference(good, good, "frame_map/0.50", ACT, resamples=50)
    assert same == (0, 0, 0, 1)
    assert (better.better, worse.better, same.better) == (1, -1, 0)


def test_p_counts_resamples_as_far_from_the_difference_as_that_is_from_0() -> None:
    good, bad = result(0.95), result(0.4)
    counts = Counts.read(good.truth[good.truth["level"] == "tube"])
    weights_GR = counts.resamples(200, 7)
    maps = [
        class_mean(_percents(side.matches, counts, ACT, weights_GR)["video/0.50"]) for side in (good, bad)
    ]
    found = paired_difference(good, bad, "video_map/0.50", ACT, resamples=200, seed=7)
    far = [abs(d - found.difference) >= abs(found.difference) - 1e-9 for d in maps[0] - maps[1]]
    assert found.p == pytest.approx((1 + sum(far)) / 201)
    assert (found.low, found.high) == pytest.approx(np.percentile(maps[0] - maps[1], (2.5, 97.5)))


def test_an_interval_that_holds_0_is_a_tie() -> None:
    found = paired_difference(result(0.7, 1), result(0.7, 2), "video_map/0.50", ACT, resamples=300)
    assert found.difference != 0
    assert found.low < 0 < found.high
    assert found.better == 0
    assert found.p > 0.05


def test_rounding_errors_make_no_difference() -> None:
    # every video has all three classes, ranked alike in both results but for which class is which
    videos, classes = 6, range(3)
    truth = worked.truth([(v, c, [0], BOX) for v in range(videos) for c in classes], "ABC", videos)
    sides, raw = [], []
    for turn in (0, 1):
        rows = [
            (v, 1 if miss else 0, c, 0.9 - 0.1 * v - 0.01 * order, BOX)
            for v in range(videos)
            for c in classes
            for order, miss in enumerate([True] * ((c + turn) % 3 + v % 2) + [False])
        ]
        sides.append(evaluate(truth, worked.detections(rows, videos), None, ACT))
        counts = Counts.read(sides[-1].truth)
        percents = _percents(sides[-1].matches, counts, ACT, counts.resamples(200, 0))
        raw.append(class_mean(percents["frame/0.50"]))
    assert 0 < np.abs(raw[0] - raw[1]).max() < 1e-9
    assert paired_difference(*sides, "frame_map/0.50", ACT, resamples=200) == (0, 0, 0, 1)


def test_paired_difference_refuses_what_cannot_be_compared() -> None:
    good = result(0.9)
    with pytest.raises(ValueError, match="frame_map/auc"):
        paired_difference(good, good, "frame_map/auc", ACT)
    frames_only = replace(good, truth=good.truth[good.truth["level"] == "frame"])
    with pytest.raises(ValueError, match="not applicable"):
        paired_difference(good, frames_only, "video_map/0.50", ACT)
    other = replace(good, truth=good.truth.assign(count=good.truth["count"] + 1))
    with pytest.raises(ValueError, match="different truth"):
        paired_difference(good, other, "video_map/0.50", ACT)


def test_nothing_scored_has_no_intervals() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    nothing = evaluate(truth, None, None, ACT)
    assert intervals(nothing.matches, nothing.truth, ACT) == {}


def test_one_group_a_class_gives_no_interval_instead_of_one_without_width() -> None:
    truth = worked.truth([(0, 0, range(5), BOX), (1, 1, range(5), BOX)], "AB", 2, ["g0", "g1"])
    found = worked.detections([(video, frame, video, 0.5, BOX) for video in (0, 1) for frame in range(5)], 2)
    scored = evaluate(truth, found, None, ACT)
    assert scored.metrics["frame_map/0.50"] == pytest.approx(100)
    assert intervals(scored.matches, scored.truth, ACT) == {}
    nothing = evaluate(truth, worked.detections([], 2), None, ACT)
    found = paired_difference(scored, nothing, "frame_map/0.50", ACT)
    assert found == (pytest.approx(100), None, None, None)
    assert found.better == 0
