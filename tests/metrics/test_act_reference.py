"""Equality with ACT.py on the stored adversarial cases; needs nothing beside the checkout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.metrics import Evaluation, evaluate
from bench.protocol import EVALUATORS, Protocol

sys.path.insert(0, str(Path(__file__).parent))
import goldens

REFERENCE = Path(__file__).parents[1] / "reference"
FRAMES = json.loads((REFERENCE / "act_frame_cases.json").read_text())["cases"]
TUBES = json.loads((REFERENCE / "act_tubes_cases.json").read_text())["cases"]

CRASHES = {
    "class_with_dets_without_gt": "ZeroDivisionError",
    "gap_in_det_tube": "AssertionError",
    "gap_in_gt_tube": "AssertionError",
    "gap_in_gt_tube_end_missing": "TypeError: only size-1 arrays can be converted to Python scalars",
}
"""Cases on which ACT.py stops with an error: no number to be equal to, the plain meaning is tested below."""

FLOAT32 = {"nms_exactly_at_0.3"}
"""Cases whose AP is equal but not the list of false positives: ACT.py's tube NMS has box IoU in float32,
where an IoU of exactly 0.3 is 0.300000012, above the threshold; in float64 it is not: the tube is kept."""


def score(case: dict[str, Any]) -> Evaluation:
    truth, detections, tubes = goldens.case(case["input"])
    bounds = tuple(float(t) for t in case["expected"])
    protocol = Protocol("cases", "1", EVALUATORS["act"], frame_thresholds=bounds, video_thresholds=bounds)
    return evaluate(truth, detections, tubes, protocol)


def check(case: dict[str, Any], level: str, metric: str, flags_too: bool = True) -> None:
    result = score(case)
    for threshold, expected in case["expected"].items():
        if "error" in expected:
            continue
        ap = result.per_class[f"{metric}_ap/{threshold}"]
        assert ap == pytest.approx(expected["ap"], abs=1e-4)
        mean = sum(expected["ap"].values()) / len(expected["ap"])
        assert result.metrics[f"{metric}_map/{threshold}"] == pytest.approx(mean, abs=1e-4)
        rows = result.matches[
            (result.matches["level"] == level) & (result.matches["threshold"] == float(threshold))
        ]
        for label, flags in enumerate(expected["true_positives"].values() if flags_too else ()):
            ours = rows.loc[rows["label"] == label, "true_positive"]
            assert "".join("01"[int(flag)] for flag in ours) == flags


@pytest.mark.parametrize("name", FRAMES)
def test_frame_cases(name: str) -> None:
    check(FRAMES[name], "frame", "frame")


@pytest.mark.parametrize("name", TUBES)
def test_tube_cases(name: str) -> None:
    check(TUBES[name], "tube", "video", flags_too=name not in FLOAT32)


def test_the_cases_without_reference_numbers_are_the_listed_ones() -> None:
    failing = {
        (name, expected["error"].split(": float")[0])
        for cases in (FRAMES, TUBES)
        for name, case in cases.items()
        for expected in case["expected"].values()
        if "error" in expected
    }
    assert failing == set(CRASHES.items())


GAPS = {
    "gap_in_gt_tube": {0.05: 100.0, 0.2: 100.0, 0.5: 100.0, 0.75: 100.0},
    "gap_in_gt_tube_end_missing": {0.05: 100.0, 0.2: 100.0, 0.5: 25.0, 0.75: 0.0},
    "gap_in_det_tube": {0.05: 100.0, 0.2: 100.0, 0.5: 100.0, 0.75: 100.0},
}
"""By hand. Spans of frames 1-10 agree and so do all common boxes: IoU 1. End missing: the span is 1-10; the
tube of frames 1-4 has 4/10 and claims the truth up to .4, the tube of 4-9 has 6/10: second, precision 1/2."""


@pytest.mark.parametrize("name", GAPS)
def test_gaps_have_the_span_from_first_to_last_frame(name: str) -> None:
    result = score(TUBES[name])
    for threshold, ap in GAPS[name].items():
        assert result.per_class[f"video_ap/{threshold:.2f}"]["A"] == pytest.approx(ap)


@pytest.mark.parametrize(("cases", "metric"), [(FRAMES, "frame"), (TUBES, "video")])
def test_class_with_predictions_but_no_truth_has_ap_0(cases: dict[str, Any], metric: str) -> None:
    case = cases["class_with_dets_without_gt"]
    result = score(case)
    truth, _, _ = goldens.case(case["input"])
    absent = set(range(len(truth.classes))) - set(truth.tubes.label.tolist())
    assert absent
    for threshold in case["expected"]:
        ap = result.per_class[f"{metric}_ap/{threshold}"]
        assert all(ap[truth.classes[label]] == 0.0 for label in absent)
        assert result.metrics[f"{metric}_map/{threshold}"] == pytest.approx(sum(ap.values()) / len(ap))
