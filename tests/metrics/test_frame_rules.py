"""Every rule of frames by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import Evaluation, class_precisions, evaluate
from bench.metrics.frame_map import frame_ranking
from bench.metrics.matching import join_in_parts
from bench.protocol import EVALUATORS, Evaluator, FrameRules, Protocol
from bench.records import Detections, GroundTruth

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

FAR = (20.0, 20.0, 29.0, 29.0)
PLAIN = FrameRules(box_extent=0)
FRAMES = {name: found.frames for name, found in EVALUATORS.items() if found.frames is not None}


def score(truth: GroundTruth, found: Detections, rules: FrameRules) -> Evaluation:
    return evaluate(truth, found, None, Protocol("hand", "1", Evaluator("test", frames=rules)))


def ap(truth: GroundTruth, found: Detections, rules: FrameRules, name: str = "A") -> float | None:
    return score(truth, found, rules).per_class["frame_ap/0.50"][name]


def hits(truth: GroundTruth, found: Detections, rules: FrameRules) -> list[bool]:
    ranking = frame_ranking(truth, found, rules)
    return ranking.true_positives(0.5, rules).tolist()


def with_frames(truth: GroundTruth, **lists: Sequence[tuple[int, int]]) -> GroundTruth:
    return replace(truth, **{name: np.array(rows, np.int32) for name, rows in lists.items()})


def sized(truth: GroundTruth, width: int, height: int) -> GroundTruth:
    """The same with all videos of that size."""
    ones = np.ones(len(truth.videos))
    return replace(truth, videos=replace(truth.videos, width=width * ones, height=height * ones))


def test_voc_by_hand() -> None:
    # A: 3 truths; hit, hit, duplicate of the first, exactly half: (r, p) = (1/3, 1) (2/3, 1), then nothing
    truth = worked.truth([(0, 0, range(3), (0.0, 0.0, 10.0, 10.0))], classes="ABC")
    whole, half, most = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 5.0, 10.0), (0.0, 0.0, 5.1, 10.0)
    rows = [(0, 0, 0, 0.9, whole), (0, 1, 0, 0.8, most), (0, 0, 0, 0.7, whole), (0, 2, 0, 0.6, half)]
    voc = FRAMES["voc"]
    assert ap(truth, worked.detections(rows), voc) == pytest.approx(100 * 2 / 3)
    # a false positive first: precision 1/2, 2/3, the envelope lifts the first to 2/3
    wrong = (1, 0, 0, 0.95, whole)
    assert ap(truth, worked.detections([*rows, wrong]), voc) == pytest.approx(100 * 2 / 3 * 2 / 3)
    # B has detections, C nothing: neither is in the mean
    other = (0, 0, 1, 0.5, whole)
    result = score(truth, worked.detections([*rows, other]), voc)
    assert result.per_class["frame_ap/0.50"] == {"A": pytest.approx(200 / 3), "B": None, "C": None}
    assert result.metrics["frame_map/0.50"] == pytest.approx(200 / 3)


def test_101_points_by_hand() -> None:
    truth = worked.truth([(0, 0, range(4), BOX)])
    # hit, miss, hit: precision 1 up to recall 1/4, 2/3 up to 2/4: 26 points of height 1, 25 of 2/3
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 9, 0, 0.8, BOX), (0, 1, 0, 0.7, BOX)])
    rules = replace(PLAIN, average="101-points")
    assert ap(truth, found, rules) == pytest.approx(100 * (26 + 25 * 2 / 3) / 101)
    assert ap(truth, found[[1]], rules) == 0
    assert ap(truth, found, rules, "B") == 0  # absent: zero here
    assert ap(truth, found, replace(rules, absent_classes="skip"), "B") is None


def test_frames_that_count() -> None:
    truth = worked.truth([(0, 0, [0, 3], BOX)])
    truth = with_frames(truth, scored_frames=[(0, 0), (0, 1)])
    found = worked.detections([(0, frame, 0, 0.9 - frame / 10, BOX) for frame in range(4)])
    # frame 0 has truth, 1 is listed without, 2 is not listed, 3 has truth and is not listed
    assert hits(truth, found, replace(PLAIN, frames="scored")) == [True, False]
    assert hits(truth, found, replace(PLAIN, frames="annotated")) == [True]
    assert hits(truth, found, replace(PLAIN, frames="every")) == [True, False, False, True]
    assert ap(truth, found[[0]], replace(PLAIN, frames="scored")) == 100
    assert ap(truth, found[[0]], replace(PLAIN, frames="every")) == 50
    unlisted = replace(truth, scored_frames=None)
    assert hits(unlisted, found, replace(PLAIN, frames="scored")) == [True, False, False, True]
    assert hits(unlisted, found, replace(PLAIN, frames="annotated")) == [True, True]


def test_excluded_frames() -> None:
    truth = with_frames(worked.truth([(0, 0, [0, 1], BOX)]), excluded_frames=[(0, 1), (1, 7)])
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 1, 0, 0.8, BOX), (1, 7, 0, 0.95, BOX)])
    assert ap(truth, found, replace(PLAIN, excluded="dropped")) == 100
    assert ap(truth, found, replace(PLAIN, excluded="missed")) == 50
    # (0, 1) (0, 0) (1/2, 1/2) (1, 2/3)
    assert ap(truth, found, replace(PLAIN, excluded="kept")) == pytest.approx(100 * (1 / 4 + 7 / 12) / 2)


def test_capacity_takes_the_best_and_of_equal_scores_the_first() -> None:
    truth = worked.truth([(0, 0, [0], BOX), (0, 1, [0], BOX)])
    rows = [(0, 0, 1, 0.5, BOX), (0, 0, 0, 0.5, BOX), (0, 0, 0, 0.9, FAR), (0, 1, 0, 0.1, FAR)]
    found = worked.detections(rows)
    assert frame_ranking(truth, found, replace(PLAIN, frame_capacity=2)).row_N.tolist() == [2, 3, 0]
    assert frame_ranking(truth, found, replace(PLAIN, frame_capacity=1)).row_N.tolist() == [2, 3]
    assert frame_ranking(truth, found, replace(PLAIN, class_capacity=1)).row_N.tolist() == [2, 3, 0]
    both = replace(PLAIN, frame_capacity=3, class_capacity=1)
    assert frame_ranking(truth, found, both).row_N.tolist() == [2, 3, 0]


def test_empty_boxes_fill_the_capacity_before_they_are_dropped() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    flat = (3.0, 3.0, 3.0, 9.0)
    found = worked.detections([(0, 0, 0, 0.9, flat), (0, 0, 0, 0.5, BOX)])
    assert hits(truth, found, replace(PLAIN, empty_boxes="kept")) == [False, True]
    assert hits(truth, found, replace(PLAIN, empty_boxes="dropped")) == [True]
    assert hits(truth, found, replace(PLAIN, empty_boxes="dropped", frame_capacity=1)) == []
    # truth without area always counts
    assert ap(worked.truth([(0, 0, [0], flat)]), found[[0]], replace(PLAIN, empty_boxes="dropped")) == 0


def test_claims_in_the_order_of_input() -> None:
    truth = worked.truth([(0, 0, [0], BOX), (0, 0, [1], BOX)])
    found = worked.detections([(0, 0, 0, 0.2, BOX), (0, 0, 0, 0.9, BOX), (0, 1, 0, 0.5, FAR)])
    assert hits(truth, found, PLAIN) == [True, False, False]
    assert hits(truth, found, replace(PLAIN, claims="input")) == [False, False, True]
    assert hits(truth, found[[1, 0, 2]], replace(PLAIN, claims="input")) == [True, False, False]


def test_equal_scores() -> None:
    truth = worked.truth([(0, 0, [0], BOX)])
    found = worked.detections([(0, 0, 0, 0.5, BOX), (0, 0, 0, 0.5, BOX), (0, 0, 0, 0.25, BOX)])
    assert frame_ranking(truth, found, PLAIN).row_N.tolist() == [0, 1, 2]
    last = replace(PLAIN, equal_scores="last")
    assert frame_ranking(truth, found, last).row_N.tolist() == [1, 0, 2]
    # the first given claims all the same, so the hit comes second
    assert hits(truth, found, last) == [False, True, False]


def test_equal_overlaps() -> None:
    # one detection between two people; whose partner can only be found by the second detection?
    people = [(0.0, 0.0, 10.0, 10.0), (4.0, 0.0, 14.0, 10.0)]
    truth = worked.truth([(0, 0, [0], box) for box in people])
    found = worked.detections([(0, 0, 0, 0.9, (2.0, 0.0, 12.0, 10.0)), (0, 0, 0, 0.8, people[0])])
    assert hits(truth, found, PLAIN) == [True, False]
    assert hits(truth, found, replace(PLAIN, equal_overlaps="last")) == [True, True]


def test_classes_without_a_detection_that_counts() -> None:
    truth = with_frames(worked.truth([(0, 0, [0], BOX), (0, 1, [0], BOX)]), scored_frames=[(0, 0)])
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 5, 1, 0.9, BOX)])
    assert score(truth, found, PLAIN).per_class["frame_ap/0.50"] == {"A": 100, "B": 0}
    skip = score(truth, found, replace(PLAIN, undetected_classes="skip"))
    assert skip.per_class["frame_ap/0.50"] == {"A": 100, "B": None}
    assert skip.metrics["frame_map/0.50"] == skip.metrics["frame_map/auc"] == 100


def test_boxes_less_than_a_pixel_apart() -> None:
    # inclusive pixels: 1.5 to 2.5 reach half a pixel into each other's neighbour
    truth = worked.truth([(0, 0, [0], (0.0, 0.0, 1.0, 0.0))])
    found = worked.detections([(0, 0, 0, 0.9, (1.25, 0.0, 1.25, 0.0))])
    plus = FrameRules()
    ranking = frame_ranking(truth, found, plus)
    assert ranking.pair_iou_P.tolist() == [pytest.approx(0.75 / 2.25)]
    assert not len(frame_ranking(truth, found, replace(plus, apart="touch")).pair_iou_P)
    mirrored = worked.detections([(0, 0, 0, 0.9, (9.0, 9.0, 0.0, 0.0))])
    assert hits(worked.truth([(0, 0, [0], BOX)]), mirrored, plus) == [False]
    assert hits(worked.truth([(0, 0, [0], BOX)]), mirrored, replace(plus, apart="touch")) == [True]


def thousandths(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of boxes on a grid of thousandths whose IoU is exactly a half; rows of eight whole numbers."""
    rng = np.random.default_rng(seed)
    corner, half = rng.integers(0, 500, (number, 2)), rng.integers(1, 200, (number, 2))
    truth = np.concatenate([corner, corner + 2 * half], axis=1)
    narrow = truth.copy()
    narrow[:, 2] -= half[:, 0]
    return truth, narrow


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (320, 240), (451, 333), (1000, 1000)])
def test_normalised_coordinates_are_the_decimals_of_the_file(width: int, height: int) -> None:
    """What a program decides that reads the decimals as float64, although records hold float32 pixels."""
    wide, narrow = (box / 1000 for box in thousandths(500, seed=width))
    size = np.array([width, height] * 2)
    truth = worked.truth([(0, 0, [i], box) for i, box in enumerate((wide * size).astype(np.float32))])
    found = worked.detections(
        [(0, i, 0, 1 - i / 512, box) for i, box in enumerate((narrow * size).astype(np.float32))]
    )

    def area(box: np.ndarray) -> np.ndarray:
        return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])

    expected = area(narrow) / (area(wide) + area(narrow) - area(narrow)) >= 0.5
    assert expected.any()
    assert not expected.all()  # decimals are no binary fractions: about half of the halves fall short
    rules = replace(PLAIN, coordinates="normalised")
    assert hits(sized(truth, width, height), found, rules) == expected.tolist()


def test_float32_precision_decides_otherwise_at_the_threshold() -> None:
    wide, narrow = (box / 1000 for box in thousandths(500, seed=0))
    truth = worked.truth([(0, 0, [i], box * 1000) for i, box in enumerate(wide)])
    found = worked.detections([(0, i, 0, 1 - i / 512, box * 1000) for i, box in enumerate(narrow)])
    a, b = narrow.astype(np.float32), wide.astype(np.float32)
    sides_a, sides_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    area_a, area_b = sides_a[:, 0] * sides_a[:, 1], sides_b[:, 0] * sides_b[:, 1]
    expected = (area_a / (area_b + area_a - area_a) >= 0.5).tolist()
    rules = replace(PLAIN, coordinates="normalised")
    truth = sized(truth, 1000, 1000)
    assert hits(truth, found, replace(rules, precision="float32")) == expected
    assert hits(truth, found, rules) != expected


@pytest.mark.parametrize("name", [name for name in FRAMES if name.startswith("ava")])
def test_shares_of_the_frame_have_no_width_beyond_their_edges(name: str) -> None:
    truth = sized(worked.truth([(0, 0, [0], (0.0, 0.0, 900.0, 900.0))]), 1000, 1000)
    third = worked.detections([(0, 0, 0, 0.9, (0.0, 0.0, 300.0, 900.0))])
    assert hits(truth, third, FRAMES[name]) == [False]


def test_normalised_coordinates_need_sizes() -> None:
    truth = sized(worked.truth([(1, 0, [0], BOX)]), 0, 0)
    found = worked.detections([(1, 0, 0, 0.9, BOX)])
    with pytest.raises(ValueError, match="size of every video; that of 'v1' is unknown: write width"):
        score(truth, found, replace(PLAIN, coordinates="normalised"))


def test_many_pairs_are_matched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [scene(seed) for seed in range(10)]
    whole = [frame_ranking(*found, PLAIN) for found in scenes]
    monkeypatch.setattr(join_in_parts, "__defaults__", (2,))
    assert max(len(ranking.pair_iou_P) for ranking in whole) > 4
    for ranking, found in zip(whole, scenes):
        parts = frame_ranking(*found, PLAIN)
        assert np.array_equal(ranking.pair_truth_P, parts.pair_truth_P)
        assert np.array_equal(ranking.pair_iou_P, parts.pair_iou_P)


def scene(seed: int) -> tuple[GroundTruth, Detections]:
    """Crowded frames, scores all different. Every class has a hit; no two people of a class in one place."""
    rng = np.random.default_rng(seed)

    def box(slot: int) -> tuple[float, ...]:
        corner = rng.integers(0, 5, 2) + np.array([12 * (slot % 4), 12 * (slot // 4)])
        size = rng.integers(4, 9, 2)
        return (*corner.tolist(), *(corner + size).tolist())

    tubes = [(0, label, range(int(rng.integers(1, 4))), box(slot)) for slot, label in enumerate([0, 1, 0, 1])]
    boxes = worked.truth(tubes).boxes
    seen = [(0, 0, label, box) for _, label, _, box in tubes[:2]]
    for _ in range(int(rng.integers(0, 12))):
        row = int(rng.integers(len(boxes)))
        near = boxes.boxes_N4[row] + rng.integers(-2, 3, 4)
        seen.append((0, int(boxes.frame[row]), int(rng.integers(2)), near))
    scores = 0.9 - rng.permutation(len(seen)) / 64
    return worked.truth(tubes), worked.detections([(*row[:3], s, row[3]) for row, s in zip(seen, scores)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(FRAMES)))
def test_the_matches_alone_give_the_same_numbers(seed: int, name: str) -> None:
    truth, found = scene(seed)
    protocol = Protocol("hand", "1", EVALUATORS[name])
    result = evaluate(truth, found, None, protocol)
    for key, values in class_precisions(result.matches, result.truth, protocol).items():
        assert values == pytest.approx(result.per_class[key])
