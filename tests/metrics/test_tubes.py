"""Tubes: overlap, NMS and every rule by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.metrics import Evaluation, class_precisions, evaluate, intervals
from bench.metrics.tube_iou import FrameIndex, overlaps, tube_frames, tube_iou
from bench.metrics.video_map import tube_nms, tube_ranking
from bench.protocol import EVALUATORS, Evaluator, Protocol, TubeRules
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

FAR = (100.0, 100.0, 109.0, 109.0)
HALF = (0.0, 0.0, 4.0, 9.0)
"""IoU with BOX: 0.5 in inclusive pixels, 36 / 81 in continuous ones."""
ACT = TubeRules(nms=0.3)
PLAIN = TubeRules(box_extent=0, matching="best-of-all", average="envelope", absent_classes="skip")


def score(truth: GroundTruth, tubes: Tubes, rules: TubeRules, **changes: Any) -> Evaluation:
    evaluator = Evaluator("test", tubes=replace(rules, **changes))
    return evaluate(truth, None, tubes, Protocol("hand", "1", evaluator))


def ap(truth: GroundTruth, tubes: Tubes, rules: TubeRules, at: str = "0.50", **changes: Any) -> float | None:
    return score(truth, tubes, rules, **changes).per_class[f"video_ap/{at}"]["A"]


def index(frames: Any, box: tuple[float, ...]) -> FrameIndex:
    """One tube, the same box on each of the frames."""
    number = np.zeros(len(frames), int)
    return FrameIndex.build(number, np.array(frames), np.repeat([box], len(frames), axis=0), 1)


def iou_of(a: FrameIndex, b: FrameIndex, **rules: Any) -> float:
    zero = np.zeros(1, int)
    return float(tube_iou(a, zero, b, zero, TubeRules(**rules))[0])


def test_gaps_leave_the_span_and_drop_out_of_the_mean() -> None:
    a = index([0, 1, 2, 3, 6, 7, 8, 9], BOX)
    # spans 0-9 and 5-14: 5 of 15 frames; common frames with boxes 6-9, each 0.5
    assert iou_of(a, index(range(5, 15), HALF)) == pytest.approx(5 / 15 * 0.5)
    assert iou_of(a, index([4, 5], HALF)) == 0  # within the gap: no frame in common


def test_frame_extent() -> None:
    a, b = index(range(10), BOX), index(range(5, 15), BOX)
    assert iou_of(a, b) == pytest.approx(5 / 15)
    assert iou_of(a, b, frame_extent=0) == pytest.approx(4 / 14)
    one = index([3], BOX)
    assert iou_of(one, one) == 1
    assert iou_of(one, one, frame_extent=0) == 0  # lengths of 0


def test_spans_that_share_one_frame() -> None:
    a, b = index(range(10), BOX), index(range(9, 19), BOX)
    assert iou_of(a, b) == pytest.approx(1 / 19)
    assert iou_of(a, b, one_frame="apart") == 0
    assert iou_of(a, index(range(8, 18), BOX), one_frame="apart") == pytest.approx(2 / 18)


def test_spatial_overlap_leaves_time_out_but_wants_spans_that_meet() -> None:
    zero = np.zeros(1, int)
    a = index(range(10), BOX)
    for frames, expected in ((range(9, 90), 0.5), (range(10, 90), 0.0)):
        found = overlaps(a, zero, index(frames, HALF), zero, TubeRules())
        assert found.combined("spatial")[0] == pytest.approx(expected)
        assert found.combined("spatio-temporal")[0] == pytest.approx(expected * found.temporal_P[0])


def test_rows_of_a_tube_may_lie_apart() -> None:
    rng = np.random.default_rng(0)
    number, frame = np.repeat(np.arange(4), 6), np.tile(np.arange(6), 4) + np.repeat([3, 0, 9, 2], 6)
    boxes = rng.uniform(0, 9, (24, 4))
    whole = FrameIndex.build(number, frame, boxes, 5)
    order = rng.permutation(24)
    shuffled = FrameIndex.build(number[order], frame[order], boxes[order], 5)
    assert np.array_equal(whole.spans_T2[:4], shuffled.spans_T2[:4])
    assert (np.diff(whole.spans_T2[4]) < 0).all()  # no box: an empty span
    for tube, at in zip(number, frame):
        rows = (index.rows(np.array([tube]), np.array([at])) for index in (whole, shuffled))
        a, b = (boxes[next(rows)], boxes[order][next(rows)])
        assert np.array_equal(a, b)


def kept(tubes: Tubes, rules: TubeRules) -> list[int]:
    heads = tubes[tubes.starts]
    return sorted(tube_nms(heads, tube_frames(tubes), np.arange(len(heads)), rules).tolist())


LINKED = [
    (0, 0, range(10), BOX, 0.5),
    (0, 0, range(1, 10), BOX, 0.9),  # 0.9 of the first, which it suppresses
    (1, 1, range(5), BOX, 0.8),
    (1, 0, range(10), BOX, 0.95),
]


def test_nms_within_video_and_label() -> None:
    assert kept(worked.tubes(LINKED), ACT) == [1, 2, 3]
    assert kept(worked.tubes(LINKED), TubeRules()) == [0, 1, 2, 3]


def test_nms_at_exactly_the_limit() -> None:
    tubes = worked.tubes([(0, 0, range(10), BOX, 0.9), (0, 0, range(5), BOX, 0.8)])
    assert kept(tubes, TubeRules(nms=0.5)) == [0, 1]
    assert kept(tubes, TubeRules(nms=0.5, nms_at_limit="drop")) == [0]
    assert kept(tubes, TubeRules(nms=0.49)) == [0]


def test_tubes_by_hand() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 1, range(10), BOX)])
    result = score(truth, worked.tubes(LINKED), ACT)
    assert result.per_class["video_ap/0.50"] == {"A": pytest.approx(25), "B": 100}
    assert result.per_class["video_ap/0.60"] == {"A": pytest.approx(25), "B": 0}
    # A: 25 up to .90; B: 100 at .50
    assert result.metrics["video_map/0.50-0.95"] == pytest.approx((9 * 12.5 + 50) / 10)
    assert len(score(truth, worked.tubes(LINKED), TubeRules()).matches.query("threshold == 0.5")) == 4


def test_truth_without_boxes_of_a_tube_is_missed() -> None:
    truth = worked.truth([(0, 0, range(3), BOX), (0, 0, range(3), FAR)])
    truth = replace(truth, boxes=truth.boxes[truth.boxes.tube == 0])
    tubes = worked.tubes([(0, 0, range(3), BOX, 0.9)])
    assert ap(truth, tubes, ACT) == 50
    assert ap(truth, tubes, ACT, spans="annotated") == 50


def test_shift_and_growth() -> None:
    truth = worked.truth([(0, 0, range(3), (0.0, 0.0, 100.0, 100.0))], "A")
    tubes = worked.tubes([(0, 0, range(3), (0.0, 0.0, 100.0, 100.0), 0.9)])
    ranking = tube_ranking(truth, tubes, replace(PLAIN, shift=1, growth=1))
    # 1..102 with 0..100: 99 x 99 of 100 x 100 and 101 x 101
    assert ranking.pair_iou_P[0] == pytest.approx(99**2 / (100**2 + 101**2 - 99**2))
    assert tube_ranking(truth, tubes, PLAIN).pair_iou_P[0] == 1


def test_shift_does_not_touch_the_predictions() -> None:
    truth = worked.truth([(0, 0, range(3), BOX)])
    tubes = worked.tubes([(0, 0, range(3), BOX, 0.9)])
    before = tubes.boxes_N4.copy()
    score(truth, tubes, PLAIN, shift=1, growth=1)
    assert np.array_equal(tubes.boxes_N4, before)


def test_score_above() -> None:
    truth = worked.truth([(0, 0, range(3), BOX)])
    tubes = worked.tubes([(0, 0, range(3), FAR, 0.0), (0, 0, range(3), BOX, -0.1)])
    assert ap(truth, tubes, PLAIN) == 50
    assert ap(truth, tubes, PLAIN, score_above=0.0) == 0
    assert not len(score(truth, tubes, PLAIN, score_above=0.0).matches)
    assert ap(truth, tubes, PLAIN, score_above=-0.05) == 0


def test_scores_rounded_to_equality_keep_the_order_that_nms_left() -> None:
    truth = worked.truth([(0, 0, range(3), BOX)])
    miss, hit = (0, 0, range(3), FAR, 0.9001), (0, 0, range(3), BOX, 0.9004)
    assert ap(truth, worked.tubes([miss, hit]), PLAIN, nms=0.3) == 100
    assert ap(truth, worked.tubes([miss, hit]), PLAIN, nms=0.3, score_decimals=3) == 100
    assert ap(truth, worked.tubes([miss, hit]), PLAIN, score_decimals=3) == 50  # no NMS: input order
    other = (1, 0, range(3), BOX, 0.9004)  # of a later video: after both
    assert ap(truth, worked.tubes([other, miss, hit]), PLAIN, nms=0.3, score_decimals=3) == 100
    scores = score(truth, worked.tubes([miss, hit]), PLAIN, score_decimals=3).matches["score"]
    assert scores.unique().tolist() == [pytest.approx(0.9)]


def test_annotated_spans() -> None:
    truth = worked.truth([(0, 0, [4, 5], BOX)])
    truth = replace(truth, tubes=replace(truth.tubes, start=np.array([0]), end=np.array([10])))
    tubes = worked.tubes([(0, 0, range(10), BOX, 0.9)])
    assert tube_ranking(truth, tubes, PLAIN).pair_iou_P[0] == pytest.approx(0.2)
    assert tube_ranking(truth, tubes, replace(PLAIN, spans="annotated")).pair_iou_P[0] == 1
    beside = worked.tubes([(0, 0, range(6, 10), BOX, 0.9)])  # meets the span, shares no annotated frame
    assert ap(truth, beside, PLAIN, spans="annotated", overlap="spatial") == 0


def test_recall_epsilon() -> None:
    truth = worked.truth([(0, 0, range(3), BOX), (1, 0, range(3), BOX)])
    tubes = worked.tubes([(0, 0, range(3), BOX, 0.9), (1, 0, range(3), BOX, 0.8)])
    result = score(truth, tubes, PLAIN, recall_epsilon=0.5)
    assert result.per_class["video_ap/0.50"]["A"] == pytest.approx(100 * 2 / 2.5)
    protocol = Protocol("hand", "1", Evaluator("test", tubes=replace(PLAIN, recall_epsilon=0.5)))
    again = class_precisions(result.matches, result.truth, protocol)
    assert again["video_ap/0.50"]["A"] == pytest.approx(80)
    # of two groups a resample draws 0, 1 or 2 of each: always 2 truths, all found
    assert intervals(result.matches, result.truth, protocol, 50)["video_map/0.50"] == pytest.approx((80, 80))


def test_row_numbers_survive_nms() -> None:
    truth = worked.truth([(0, 0, range(10), BOX)])
    ranking = tube_ranking(truth, worked.tubes(LINKED), ACT)
    assert ranking.row_N.tolist() == [3, 1, 2]  # by label, then score


def test_every_evaluator_of_tubes_takes_no_tubes_and_no_truth() -> None:
    nothing, some = worked.truth([]), worked.truth([(0, 0, range(3), BOX)])
    tubes = worked.tubes([(0, 0, range(3), BOX, 0.9)])
    for evaluator in EVALUATORS.values():
        if evaluator.tubes is None:
            continue
        protocol = Protocol("hand", "1", evaluator)
        empty = evaluate(some, None, Tubes.empty(some.videos.names), protocol)
        skipped = evaluator.tubes.undetected_classes == "skip"
        assert empty.metrics["video_map/0.50"] == (None if skipped else 0)
        absent = evaluate(nothing, None, tubes, protocol).metrics["video_map/0.50"]
        assert absent == (None if evaluator.tubes.absent_classes == "skip" else 0)
