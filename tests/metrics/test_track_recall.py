"""The recall of track proposals, by hand and against plain loops."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.boxes import iou
from bench.metrics.matching import join_in_parts
from bench.metrics.track_recall import coverage
from bench.metrics.tube_iou import truth_frames, tube_frames, tube_iou
from bench.protocol import EVALUATORS, TubeRules
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

HALF = (0.0, 0.0, 4.0, 9.0)
"""IoU with BOX: 0.5 in inclusive pixels."""
RULES = TubeRules()


def tracks(*rows: tuple[int, int, range, tuple[float, ...]]) -> Tubes:
    """Rows of video, label, frames, box."""
    if not rows:
        return Tubes.empty(["v0", "v1"])
    return worked.tubes([(video, label, frames, box, 1.0) for video, label, frames, box in rows])


def test_the_mean_is_over_the_interval_and_frames_without_a_box_count_0() -> None:
    truth = worked.truth([(0, 0, range(10, 20), BOX)])
    found = coverage(truth, tracks((0, 0, range(15, 40), BOX)), RULES)
    assert found.overlap_M.tolist() == [0.5]
    assert coverage(truth, tracks((0, 0, range(40), HALF)), RULES).overlap_M.tolist() == [0.5]
    assert found.recall(0.5) == 100
    assert found.recall(0.51) == 0
    strict = coverage(truth, tracks((0, 0, range(15, 40), BOX)), replace(RULES, strict=True))
    assert strict.recall(0.5) == 0


def test_one_track_must_cover_it_two_halves_do_not_add_up() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    halves = tracks((0, 0, range(5), BOX), (0, 0, range(4, 10), BOX))
    found = coverage(truth, halves, RULES)
    assert found.overlap_M.tolist() == [0.6]
    assert found.track_M.tolist() == [halves.tube[-1]]


def test_a_track_covers_its_own_class_and_one_of_label_minus_1_all() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (0, 1, range(5, 15), BOX), (1, 1, range(10), BOX)])
    own = coverage(truth, tracks((0, 1, range(30), BOX)), RULES)
    assert own.overlap_M.tolist() == [0, 1, 0]
    assert own.track_M.tolist()[0] == -1
    every = coverage(truth, tracks((0, -1, range(30), BOX)), RULES)
    assert every.overlap_M.tolist() == [1, 1, 0]
    assert every.recall() == pytest.approx(200 / 3)
    assert every.class_recalls() == {"A": 100, "B": 50}


def test_of_equal_tracks_the_first_is_told() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    found = tracks((0, 0, range(10), HALF), (0, 0, range(10), BOX), (0, -1, range(20), BOX))
    assert coverage(truth, found, RULES).track_M.tolist() == [1]


def test_difficult_truth_counts_where_the_rules_say_so() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (0, 0, range(10), (50.0, 50.0, 60.0, 60.0))])
    truth = replace(truth, tubes=replace(truth.tubes, difficult=np.array([False, True])))
    found = tracks((0, 0, range(10), BOX))
    assert coverage(truth, found, RULES).recall() == 50
    daly = EVALUATORS["extended-st"].tubes
    assert daly is not None
    passed = coverage(truth, found, daly)
    assert (passed.recall(), passed.row_M.tolist()) == (100, [0])


def test_boxes_outside_the_interval_do_not_count() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    tubes = replace(truth.tubes, start=np.array([5]), end=np.array([9]))
    assert coverage(replace(truth, tubes=tubes), tracks((0, 0, range(5, 9), BOX)), RULES).recall(1.0) == 100


def test_nothing_found_and_nothing_to_find() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    none = coverage(truth, tracks(), RULES)
    assert (none.recall(), none.track_M.tolist()) == (0, [-1])
    empty = coverage(worked.truth([]), tracks((0, 0, range(10), BOX)), RULES)
    assert np.isnan(empty.recall())
    assert np.isnan(list(empty.class_recalls().values())).all()
    keyless = replace(truth, boxes=truth.boxes[:0])
    assert coverage(keyless, tracks((0, 0, range(10), BOX)), RULES).recall() == 0


def test_wrong_tracks_are_named() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    with pytest.raises(ValueError, match=r"labels 0 to 7, but the ground truth has 2 classes; .* -1 is"):
        coverage(truth, tracks((0, 0, range(3), BOX), (0, 7, range(3), BOX)), RULES)
    with pytest.raises(ValueError, match=r"the box in row 2, video 'v1', is no box of numbers"):
        coverage(truth, tracks((0, 0, range(2), BOX), (1, 0, range(3), (0.0, np.nan, 1.0, 1.0))), RULES)
    with pytest.raises(ValueError, match=r"1 videos are not in the list, the first 'v2'"):
        coverage(truth, worked.tubes([(2, 0, range(3), BOX, 1.0)], videos=3), RULES)
    with pytest.raises(ValueError, match="threshold 30 is outside"):
        coverage(truth, tracks((0, 0, range(3), BOX)), RULES).recall(30)


def by_loops(truth: GroundTruth, found: Tubes) -> list[float]:
    boxes = {(int(t), int(f)): b for t, f, b in zip(found.tube, found.frame, found.boxes_N4)}
    best = []
    for tube, video, label in zip(truth.tubes.tube, truth.tubes.video, truth.tubes.label):
        mine = truth.boxes[truth.boxes.tube == tube]
        may = found.tube[(found.video == video) & ((found.label == label) | (found.label == -1))]
        means = [0.0]
        for track in np.unique(may).tolist():
            there = [(boxes.get((track, int(f))), b) for f, b in zip(mine.frame, mine.boxes_N4)]
            means.append(sum(float(iou(a, b, 1)) for a, b in there if a is not None) / len(there))
        best.append(max(means))
    return best


SPAN = st.tuples(st.integers(0, 20), st.integers(1, 20)).map(lambda s: range(s[0], s[0] + s[1]))
PLACE = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda p: (p[0], p[1], p[0] + 7.0, p[1] + 9.0))
TRUTHS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), SPAN, PLACE), min_size=1, max_size=4)
TRACKS = st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 1), SPAN, PLACE), max_size=5)


@given(TRUTHS, TRACKS, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_it_is_what_plain_loops_find_in_parts_of_any_size(truths: list, rows: list, most: int) -> None:
    truth, found = worked.truth(truths), tracks(*rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.metrics.track_recall.join_in_parts", partial(join_in_parts, most=most))
        overlap = coverage(truth, found, RULES).overlap_M
    np.testing.assert_allclose(overlap, by_loops(truth, found), atol=1e-12)


@given(TRUTHS, TRACKS)
@settings(max_examples=60, deadline=None)
def test_it_is_the_spatio_temporal_iou_with_the_track_cut_to_the_interval(truths: list, rows: list) -> None:
    truth, found = worked.truth(truths), tracks(*rows)
    best = coverage(truth, found, RULES).overlap_M
    for number, (video, label, frames, _) in enumerate(truths):
        within = np.isin(found.frame, frames) & (found.video == video)
        cut = found[within & ((found.label == label) | (found.label == -1))]
        every = np.arange(len(cut.starts))
        ious = tube_iou(
            tube_frames(cut), every, truth_frames(truth, RULES), np.full_like(every, number), RULES
        )
        # the spans' union is the whole interval, as the cut track lies within it
        assert best[number] == pytest.approx(max(ious, default=0.0))
