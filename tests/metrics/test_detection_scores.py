"""Classification, localization and F-score of confident boxes, by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.metrics import evaluate
from bench.metrics.detection_scores import detection_scores
from bench.protocol import EVALUATORS, Protocol
from bench.records import Detections

sys.path.insert(0, str(Path(__file__).parent))
import worked
from worked import BOX

FAR = (100.0, 100.0, 109.0, 109.0)
HALF = (0.0, 0.0, 9.0, 4.5)
"""Continuous IoU with BOX of exactly a half."""
NEAR = (0.0, 0.0, 9.0, 5.0)

Row = tuple[int, int, int, float, float, Sequence[float]]
"""Frame, box, label, score, objectness, corners; all in video 0."""


def found(rows: Sequence[Row]) -> Detections:
    made = worked.detections([(0, frame, label, score, box) for frame, _, label, score, _, box in rows])
    return replace(
        made, box=np.array([row[1] for row in rows]), objectness=np.array([row[4] for row in rows])
    )


def scores(truth: Sequence[worked.Tube], rows: Sequence[Row]) -> list[float | None]:
    return list(detection_scores(worked.truth(truth), found(rows)).values())


def test_a_scene_by_hand() -> None:
    truth = [(0, 0, range(4), BOX)]
    rows = [
        (0, 0, 0, 0.9, 0.9, BOX),  # right
        (1, 1, 1, 0.9, 0.9, BOX),  # localized, wrong class
        (2, 2, 0, 0.9, 0.9, FAR),  # confident, elsewhere
        (3, 3, 0, 0.2, 0.2, BOX),  # not confident
    ]
    precision, recall = 1 / 3, 1 / 4
    f_score = 100 * 2 * precision * recall / (precision + recall)
    assert scores(truth, rows) == pytest.approx([50.0, 50.0, f_score])


def test_a_box_speaks_for_its_best_class_alone() -> None:
    truth = [(0, 0, [0], BOX)]
    both = [(0, 0, 0, 0.4, 0.9, BOX), (0, 0, 1, 0.5, 0.9, BOX)]
    assert scores(truth, both) == [0.0, 100.0, 0.0]
    assert scores(truth, both[:1]) == [100.0, 100.0, 100.0]


def test_the_nearest_box_counts_and_may_be_shared() -> None:
    truth = [(0, 0, [0], BOX), (0, 1, [0], NEAR)]
    one = [(0, 0, 0, 0.9, 0.9, BOX)]
    assert scores(truth, one) == pytest.approx([50.0, 100.0, 100 * 2 / 3])
    nearer = [*one, (0, 1, 1, 0.9, 0.3, NEAR)]
    assert scores(truth, nearer) == [100.0, 100.0, 100.0]


def test_overlap_and_objectness_must_be_exceeded() -> None:
    truth = [(0, 0, [0], BOX)]
    assert scores(truth, [(0, 0, 0, 0.9, 0.9, HALF)]) == [None, 0.0, 0.0]
    assert scores(truth, [(0, 0, 0, 0.9, 0.25, BOX)]) == [None, 0.0, 0.0]


def test_nothing_to_divide_by() -> None:
    assert scores([], []) == [None, None, None]
    assert scores([(0, 0, [0], BOX)], []) == [None, 0.0, 0.0]
    assert scores([], [(0, 0, 0, 0.9, 0.9, BOX)]) == [None, None, 0.0]


def test_one_person_with_two_labels_is_one_box() -> None:
    truth = [(0, 0, [0], BOX), (0, 1, [0], BOX)]
    for label in (0, 1):
        assert scores(truth, [(0, 0, label, 0.9, 0.9, BOX)]) == [100.0, 100.0, 100.0]


def test_frames_that_are_not_scored_have_no_part() -> None:
    truth = replace(worked.truth([(0, 0, [3], BOX)]), scored_frames=np.array([[0, 3]]))
    rows = found([(3, 0, 0, 0.9, 0.9, BOX), (4, 1, 0, 0.9, 0.9, BOX)])
    assert list(detection_scores(truth, rows).values()) == [100.0, 100.0, 100.0]


def test_they_are_metrics_where_there_is_objectness() -> None:
    truth, rows = worked.truth([(0, 0, [0], BOX)]), found([(0, 0, 0, 0.9, 0.9, BOX)])
    protocol = Protocol("hand", "1", EVALUATORS["act"])
    assert evaluate(truth, rows, None, protocol).metrics["detections/f_score"] == 100
    plain = replace(rows, objectness=None)
    assert not [name for name in evaluate(truth, plain, None, protocol).metrics if "detections" in name]
    with pytest.raises(ValueError, match="objectness"):
        detection_scores(truth, plain)
