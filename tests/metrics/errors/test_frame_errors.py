"""Errors of boxes: every kind by hand, people with several labels, and what holds for any input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import evaluate
from bench.metrics.boxes import iou
from bench.metrics.errors.frame import KINDS, frame_errors, ranked_kinds
from bench.protocol import EVALUATORS, FrameRules, Protocol
from bench.records import Detections, GroundTruth

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
import error_scenes
import worked
from worked import BOX

ACT = FrameRules()
FAR = (100.0, 100.0, 109.0, 109.0)
HALF = (0.0, 0.0, 4.0, 9.0)
LESS = (0.0, 0.0, 3.0, 9.0)
"""IoU with BOX: exactly 0.5, and 0.4."""

SCORING_FRAMES = [name for name, found in EVALUATORS.items() if found.frames]


def kinds(truth: GroundTruth, found: Detections, rules: FrameRules = ACT) -> list[str]:
    """Kind of each detection in the order given."""
    ranking, codes = ranked_kinds(truth, found, rules)
    names = ("true positive", *KINDS)
    return [names[codes[i]] for i in np.argsort(ranking.row_N)]


def one(frame: int, label: int, box: Sequence[float], video: int = 0) -> Detections:
    return worked.detections([(video, frame, label, 0.9, box)])


TRUTH = worked.truth([(0, 0, [0, 1], BOX), (0, 1, [2], BOX), (1, 1, [0], FAR)])
"""v0: class A on frames 0 and 1, class B on frame 2. v1: class B."""


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (one(0, 0, HALF), "true positive"),
        (one(0, 0, LESS), "localization"),
        (one(0, 0, FAR), "localization"),  # wherever it is: somebody of its class is in the frame
        (one(2, 0, HALF), "classification"),
        (one(2, 0, LESS), "other"),
        (one(0, 1, BOX), "classification"),
        (one(9, 0, BOX), "time"),
        (one(9, 0, BOX, video=1), "other"),  # its class is not in that video
        (one(2, 0, FAR), "other"),  # its class is in the video, but the frame has other truth
    ],
)
def test_each_kind(found: Detections, kind: str) -> None:
    assert kinds(TRUTH, found) == [kind]


def test_a_duplicate_is_localization() -> None:
    found = worked.detections([(0, 0, 0, 0.9, BOX), (0, 0, 0, 0.8, BOX)])
    assert kinds(TRUTH, found) == ["true positive", "localization"]


def test_the_protocols_boxes_and_strictness_decide() -> None:
    on_other = one(2, 0, HALF)
    assert kinds(TRUTH, on_other, FrameRules(strict=True)) == ["other"]
    assert kinds(TRUTH, on_other, FrameRules(box_extent=0)) == ["other"]


def test_frames_that_do_not_count_have_no_truth_and_no_errors() -> None:
    truth = replace(TRUTH, scored_frames=np.array([[0, 1], [0, 2], [0, 5], [1, 0]], np.int32))
    found = worked.detections(
        [(0, 5, 0, 0.9, BOX), (0, 0, 0, 0.8, BOX), (0, 0, 1, 0.7, BOX), (0, 5, 1, 0.6, BOX)]
    )
    ranking, codes = ranked_kinds(truth, found, ACT)
    assert {int(row): KINDS[code - 1] for row, code in zip(ranking.row_N, codes)} == {0: "time", 3: "time"}
    unscored = replace(truth, scored_frames=truth.scored_frames[1:])  # class A has no truth left in v0
    assert kinds(unscored, found[[0]]) == ["other"]


def test_shares_by_hand() -> None:
    truth = worked.truth([(0, 0, [0, 1], BOX)], classes="A")
    # hit, localization, time, hit: fractions 1 0 0, 1/2 1/2 0, 1/3 1/3 1/3, 1/2 1/4 1/4
    found = worked.detections(
        [(0, 0, 0, 0.9, BOX), (0, 1, 0, 0.8, FAR), (0, 7, 0, 0.7, BOX), (0, 1, 0, 0.6, BOX)]
    )
    shares = {kind: float(value[0]) for kind, value in frame_errors(truth, found, ACT).items()}
    second = {"localization": (1 / 3 + 1 / 4) / 2, "time": (1 / 3 + 1 / 4) / 2}
    expected = dict.fromkeys(KINDS, 0.0) | {kind: 50 * value for kind, value in second.items()}
    assert shares == pytest.approx(expected)
    voc = frame_errors(truth, found, FrameRules(average="envelope"))
    assert [float(voc[kind][0]) for kind in KINDS] == pytest.approx([12.5, 0, 12.5, 0, 0])
    coco = frame_errors(truth, found[[0, 1, 2]], FrameRules(average="101-points"))
    assert float(coco["missed"][0]) == pytest.approx(100 * 50 / 101)  # recalls .51 ... 1


def test_classes_without_truth() -> None:
    truth = worked.truth([(0, 0, [0], BOX)], classes="AB")
    found = one(0, 0, BOX)
    assert frame_errors(truth, found, ACT)["missed"].tolist() == [0, 100]
    assert np.isnan(frame_errors(truth, found, FrameRules(absent_classes="skip"))["missed"][1])


SITS, STANDS, TALKS = range(3)
PEOPLE = worked.truth(
    [
        (0, STANDS, [0], BOX),
        (0, TALKS, [0], BOX),
        (0, STANDS, [0], FAR),
        (0, SITS, [0], (50.0, 0.0, 59.0, 9.0)),
    ],
    classes="ABC",
)
"""One person who stands and talks, one who stands, one who sits, all in one frame."""


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (one(0, TALKS, BOX), "true positive"),
        (one(0, TALKS, FAR), "classification"),  # that person only stands, though someone talks
        (one(0, STANDS, (50.0, 0.0, 59.0, 9.0)), "classification"),
        (one(0, TALKS, LESS), "localization"),
        (one(0, TALKS, (200.0, 0.0, 209.0, 9.0)), "localization"),
        (one(0, SITS, HALF), "classification"),
    ],
)
def test_people_with_several_labels(found: Detections, kind: str) -> None:
    assert kinds(PEOPLE, found) == [kind]


def test_a_duplicate_on_people_with_several_labels_is_localization() -> None:
    found = worked.detections([(0, 0, TALKS, 0.9, BOX), (0, 0, TALKS, 0.8, HALF)])
    assert kinds(PEOPLE, found) == ["true positive", "localization"]


def test_without_such_people_the_class_elsewhere_in_the_frame_makes_it_localization() -> None:
    single = worked.truth([(0, STANDS, [0], BOX), (0, SITS, [0], FAR)], classes="ABC")
    assert kinds(single, one(0, STANDS, FAR)) == ["localization"]


SEEDS = st.integers(0, 2**32 - 1)
PROPERTY = settings(max_examples=60, deadline=None)


@PROPERTY
@given(SEEDS, st.sampled_from(SCORING_FRAMES))
def test_ap_and_shares_add_up_to_100(seed: int, name: str) -> None:
    truth, found = error_scenes.truth(seed), error_scenes.detections(seed)
    evaluator = EVALUATORS[name]
    assert evaluator.frames
    per_class = evaluate(truth, found, None, Protocol("any", "1", evaluator)).per_class["frame_ap/0.50"]
    shares = frame_errors(truth, found, evaluator.frames)
    assert (
        min((np.nanmin(value) for value in shares.values() if not np.isnan(value).all()), default=0) > -1e-9
    )
    for label, ap in enumerate(per_class.values()):
        total = sum(float(value[label]) for value in shares.values())
        assert np.isnan(total) if ap is None else total + ap == pytest.approx(100)


def by_definition(truth: GroundTruth, found: Detections, positive: Sequence[bool]) -> list[int]:
    """ACT's definition, one detection at a time."""
    labels = truth.box_labels()
    codes = []
    for i in range(len(found)):
        in_video = truth.boxes.video == found.video[i]
        here = in_video & (truth.boxes.frame == found.frame[i])
        own = labels == found.label[i]
        overlap = iou(found.boxes_N4[i], truth.boxes.boxes_N4, 1)
        if positive[i]:
            code = 0
        elif (here & own).any():
            code = 1
        elif here.any():
            code = 2 if overlap[here].max() >= 0.5 else 4
        else:
            code = 3 if (in_video & own).any() else 4
        codes.append(code)
    return codes


@PROPERTY
@given(SEEDS)
def test_kinds_are_those_of_the_definition(seed: int) -> None:
    truth = error_scenes.truth(seed)
    apart = replace(truth.boxes, boxes_N4=truth.boxes.boxes_N4 + truth.boxes.tube[:, None] / 64)
    truth, found = replace(truth, boxes=apart), error_scenes.detections(seed)  # no box under two labels
    ranking, codes = ranked_kinds(truth, found, ACT)
    positive = ranking.true_positives(0.5, ACT)[np.argsort(ranking.row_N)]
    assert codes[np.argsort(ranking.row_N)].tolist() == by_definition(truth, found, positive)
