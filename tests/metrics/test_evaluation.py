"""Scoring: hand-worked numbers, errors, and properties that hold for any input."""

from __future__ import annotations

import copy
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import class_precisions, evaluate
from bench.protocol import EVALUATORS, Evaluator, FrameRules, Protocol, TubeRules, evaluator
from bench.records import Detections, GroundTruth
from bench.results.result import read_matches, write_matches

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

ACT = Protocol("hand", "1", EVALUATORS["act"])
FAR = (100.0, 100.0, 109.0, 109.0)
HALF = (0.0, 0.0, 4.0, 9.0)
"""IoU with BOX: 0.5 in inclusive pixels, 36 / 81 in continuous ones."""


def rules(**changes: object) -> Protocol:
    """The act rules with these changes at both levels; ``nms`` is the tubes' alone."""
    nms = {"nms": changes.pop("nms", 0.3)}
    frames, tubes = FrameRules(**changes), TubeRules(**changes, **nms)  # type: ignore[arg-type]
    return replace(ACT, evaluator=Evaluator("test", frames=frames, tubes=tubes))


def frame_ap(truth: GroundTruth, found: Detections, protocol: Protocol = ACT) -> float | None:
    return evaluate(truth, found, None, protocol).per_class["frame_ap/0.50"]["A"]


def test_trapezoid_and_envelope_by_hand() -> None:
    truth = worked.truth([(0, 0, range(4), BOX)])
    # hit, miss, hit: (r, p) = (0, 1) (1/4, 1) (1/4, 1/2) (2/4, 2/3)
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 9, 0, 0.8, BOX), (0, 1, 0, 0.7, BOX)])
    assert frame_ap(truth, found) == pytest.approx(100 * (1 / 4 + (1 / 2 + 2 / 3) / 2 / 4))
    assert frame_ap(truth, found, rules(average="envelope")) == pytest.approx(100 * (1 / 4 + 2 / 3 / 4))
    first_wrong = found[[1, 0]]
    first_wrong = replace(first_wrong, score=np.array([0.9, 0.8]))
    # (0, 1) (0, 0) (1/4, 1/2): the trapezoid rises from precision 0
    assert frame_ap(truth, first_wrong) == pytest.approx(100 * (1 / 2) / 2 / 4)
    assert frame_ap(truth, first_wrong, rules(average="envelope")) == pytest.approx(100 / 2 / 4)


def test_box_extent_and_strict() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    found = worked.detections([(0, 0, 0, 0.9, HALF)])
    assert frame_ap(truth, found) == 100
    assert frame_ap(truth, found, rules(strict=True)) == 0
    assert frame_ap(truth, found, rules(box_extent=0)) == 0


def test_a_duplicate_may_claim_the_second_person_only_when_best_remaining() -> None:
    # two people who overlap by more than half; the same detection of the first, twice
    truth = worked.truth([(0, 0, [0], BOX), (0, 0, [0], (0.0, 0.0, 9.0, 7.0))])
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 0, 0, 0.8, BOX)])
    assert frame_ap(truth, found) == 100
    assert frame_ap(truth, found, rules(matching="best-of-all")) == 50


def test_a_better_ranked_detection_takes_the_truth_first() -> None:
    truth = worked.truth([(0, 0, [0], BOX), (0, 0, [0], FAR)])
    found = worked.detections([(0, 0, 0, 0.8, BOX), (0, 0, 0, 0.9, HALF), (0, 0, 0, 0.7, FAR)])
    flags = evaluate(truth, found, None, ACT).matches.query("threshold == 0.5")["true_positive"]
    assert flags.tolist() == [True, False, True]


def test_absent_classes() -> None:
    truth = worked.truth([(0, 0, [0], BOX)], classes="ABC")
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 0, 1, 0.9, BOX)])
    zero, skip = (evaluate(truth, found, None, p) for p in (ACT, rules(absent_classes="skip")))
    assert zero.per_class["frame_ap/0.50"] == {"A": 100, "B": 0, "C": 0}
    assert zero.metrics["frame_map/0.50"] == pytest.approx(100 / 3)
    assert skip.per_class["frame_ap/0.50"] == {"A": 100, "B": None, "C": None}
    assert skip.metrics["frame_map/0.50"] == skip.metrics["frame_map/auc"] == 100


def test_equal_scores_keep_their_input_order() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    hit, miss = (0, 0, 0, 0.5, BOX), (0, 0, 0, 0.5, FAR)
    assert frame_ap(truth, worked.detections([hit, miss])) == 100
    assert frame_ap(truth, worked.detections([miss, hit])) == 25


def test_auc_is_the_mean_over_nineteen_thresholds() -> None:
    truth = worked.truth([(0, 0, [0], BOX)], classes="A")
    found = evaluate(truth, worked.detections([(0, 0, 0, 0.9, HALF)]), None, ACT)
    assert found.metrics["frame_map/auc"] == pytest.approx(100 * 10 / 19)  # .05 .. .50
    curve = found.curves["frame_map"]
    assert list(curve)[:2] == ["0.05", "0.10"]
    assert [curve[f"{0.05 * i:.2f}"] for i in range(1, 20)] == [100.0] * 10 + [0.0] * 9
    assert evaluate(truth, None, None, ACT).curves == {}


def test_nothing_scored_is_a_table_of_the_same_types(tmp_path: Path) -> None:
    truth = worked.truth([(0, 0, [0], BOX)], classes="A")
    tubes_alone = Protocol("daly", "1", evaluator("extended-st"))
    found = evaluate(truth, worked.detections([(0, 0, 0, 0.9, HALF)]), None, tubes_alone)
    assert set(found.metrics.values()) == {None}
    write_matches(tmp_path, found.matches, found.truth)
    assert [len(table) for table in read_matches(tmp_path)] == [0, 0]


def test_scored_frames_alone_count_where_they_are_listed() -> None:
    truth = replace(worked.truth([(0, 0, range(3), BOX)]), scored_frames=np.array([[0, 1]], np.int32))
    found = worked.detections([(0, 0, 0, 0.9, FAR), (0, 1, 0, 0.8, BOX)])
    assert frame_ap(truth, found) == 100


def test_predictions_beyond_the_annotated_end_are_false_positives() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    assert frame_ap(truth, worked.detections([(0, 900, 0, 0.9, BOX), (0, 0, 0, 0.8, BOX)])) == 25


def test_not_applicable_is_none_and_empty_is_zero() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    nothing = evaluate(truth, None, None, ACT)
    assert set(nothing.metrics.values()) == {None}
    assert not len(nothing.matches)
    assert not len(nothing.truth)
    empty = evaluate(truth, Detections.empty(), None, ACT)
    assert {name: v for name, v in empty.metrics.items() if name.startswith("frame")} == {
        "frame_map/0.20": 0, "frame_map/0.50": 0, "frame_map/0.75": 0, "frame_map/auc": 0,
    }  # fmt: skip
    assert empty.metrics["video_map/0.50"] is None
    assert empty.per_class["frame_ap/0.50"] == {"A": 0, "B": 0}
    assert empty.per_class["video_ap/0.50"] == {"A": None, "B": None}


def test_videos_may_be_listed_in_another_order() -> None:
    truth = worked.truth([(1, 0, [0], BOX)])
    found = replace(worked.detections([(0, 0, 0, 0.9, BOX)]), videos=("v1", "v0"))
    assert frame_ap(truth, found) == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": [2]}, "labels 2 to 2, but the ground truth has 2 classes"),
        ({"score": [np.nan]}, "NaN in row 0, video 'v0'"),
        ({"boxes_N4": [[0, np.nan, 1, 1]]}, "NaN in row 0"),
        ({"videos": ("other", "v1")}, "not in the list, the first 'other'"),
    ],
)
def test_errors(change: dict, message: str) -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    found = replace(worked.detections([(0, 0, 0, 0.9, BOX)]), **change)
    with pytest.raises(ValueError, match=message):
        evaluate(truth, found, None, ACT)


def test_threshold_outside_the_unit_interval() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    with pytest.raises(ValueError, match="outside"):
        evaluate(truth, Detections.empty(), None, replace(ACT, frame_thresholds=(50.0,)))


def scene(seed: int) -> tuple[GroundTruth, Detections]:
    """Crowded random frames; scores all different."""
    rng = np.random.default_rng(seed)

    def box() -> tuple[float, ...]:
        corner, size = rng.integers(0, 12, 2), rng.integers(4, 10, 2)
        return (*corner.tolist(), *(corner + size).tolist())

    tubes = [
        (int(rng.integers(2)), int(rng.integers(2)), range(int(rng.integers(1, 4))), box())
        for _ in range(rng.integers(1, 7))
    ]
    number = int(rng.integers(0, 30))
    scores = rng.permutation(number) / 32
    rows = [
        (int(rng.integers(2)), int(rng.integers(4)), int(rng.integers(2)), float(score), box())
        for score in scores
    ]
    return worked.truth(tubes), worked.detections(rows)


def one_by_one(truth: GroundTruth, found: Detections, threshold: float, best_of_all: bool) -> list[bool]:
    """The plain loop that the engine must equal, in order of label, then score."""
    from bench.metrics.boxes import iou

    labels, taken, flags = truth.box_labels(), set(), []
    for i in np.lexsort((-found.score, found.label)):
        same = np.flatnonzero(
            (truth.boxes.video == found.video[i])
            & (truth.boxes.frame == found.frame[i])
            & (labels == found.label[i])
        )
        same = [j for j in same if best_of_all or j not in taken]
        overlaps = [iou(found.boxes_N4[i], truth.boxes.boxes_N4[j], 1) for j in same]
        best = int(np.argmax(overlaps)) if same else -1
        hit = bool(same) and overlaps[best] >= threshold and same[best] not in taken
        if hit:
            taken.add(same[best])
        flags.append(hit)
    return flags


SEEDS = st.integers(0, 2**32 - 1)
QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(SEEDS, st.sampled_from(["best-remaining", "best-of-all"]))
def test_matching_equals_one_by_one(seed: int, matching: str) -> None:
    truth, found = scene(seed)
    matches = evaluate(truth, found, None, rules(matching=matching)).matches
    for threshold in ACT.frame_thresholds:
        ours = matches.loc[matches["threshold"] == threshold, "true_positive"].tolist()
        assert ours == one_by_one(truth, found, threshold, matching == "best-of-all")


@QUICK
@given(SEEDS, st.sampled_from(["trapezoid", "envelope"]))
def test_order_of_rows_bounds_and_recomputation(seed: int, average: str) -> None:
    truth, found = scene(seed)
    protocol = rules(average=average)
    result = evaluate(truth, found, None, protocol)
    shuffled = found[np.random.default_rng(seed).permutation(len(found))]
    assert evaluate(truth, shuffled, None, protocol).metrics == result.metrics
    assert all(0 <= v <= 100 + 1e-9 for v in result.metrics.values() if v is not None)
    again = class_precisions(result.matches, result.truth, protocol)
    for name, values in again.items():
        assert values == pytest.approx(result.per_class[name])


@QUICK
@given(SEEDS)
def test_perfect_predictions_give_100_and_inputs_stay(seed: int) -> None:
    truth, _ = scene(seed)
    boxes = truth.boxes
    score = np.linspace(1, 0.5, len(boxes))
    found = Detections(
        truth.videos.names,
        boxes.video,
        boxes.frame,
        np.arange(len(boxes)),
        boxes.boxes_N4,
        truth.box_labels(),
        score,
    )
    before = copy.deepcopy((truth, found))
    result = evaluate(truth, found, None, rules(absent_classes="skip"))
    assert result.metrics["frame_map/0.75"] == pytest.approx(100)
    for old, new in zip(before, (truth, found)):
        for field in fields(old):
            a, b = getattr(old, field.name), getattr(new, field.name)
            assert np.array_equal(a, b) if isinstance(a, np.ndarray) else True


@QUICK
@given(SEEDS)
def test_a_duplicate_never_helps_where_taken_truth_stays_taken(seed: int) -> None:
    truth, found = scene(seed)
    protocol = rules(matching="best-of-all", average="envelope")
    if not len(found):
        return
    row = seed % len(found)
    twice = Detections.concat([found, replace(found[[row]], score=found.score[[row]] - 1e-3)])
    before, after = (evaluate(truth, rows, None, protocol).metrics for rows in (found, twice))
    assert all(after[name] <= before[name] + 1e-9 for name in before if name.startswith("frame"))


@QUICK
@given(SEEDS, st.sampled_from(["trapezoid", "envelope"]))
def test_removing_a_false_positive_never_hurts(seed: int, average: str) -> None:
    truth, found = scene(seed)
    protocol = replace(rules(average=average), frame_thresholds=(0.5,))
    result = evaluate(truth, found, None, protocol)
    order = np.lexsort((-found.score, found.label))
    wrong = order[~result.matches["true_positive"].to_numpy()]
    if not len(wrong):
        return
    fewer = found[np.arange(len(found)) != wrong[seed % len(wrong)]]
    after = evaluate(truth, fewer, None, protocol).metrics["frame_map/0.50"]
    assert after >= result.metrics["frame_map/0.50"] - 1e-9
