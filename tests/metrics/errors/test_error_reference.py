"""Equality with ACT.py's and MultiSports' shares on the stored cases; needs nothing beside the checkout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.metrics.errors import frame, tube
from bench.metrics.errors.tube_pairs import TubePairs
from bench.protocol import FrameRules, TubeRules

sys.path.insert(0, str(Path(__file__).parents[1]))
import goldens

REFERENCE = Path(__file__).parents[2] / "reference"
SHARES = json.loads((REFERENCE / "error_shares.json").read_text())
FRAMES = json.loads((REFERENCE / "act_frame_cases.json").read_text())["cases"]
TUBES = json.loads((REFERENCE / "act_tubes_cases.json").read_text())["cases"]

DIVISION = "ZeroDivisionError: float division by zero"
CRASHES = {
    "class_with_dets_without_gt": DIVISION,
    "gap_in_det_tube": "AssertionError: ",
    "gap_in_gt_tube": "AssertionError: ",
    "gap_in_gt_tube_end_missing": "TypeError: only size-1 arrays can be converted to Python scalars",
    "one_frame_tubes": "AssertionError: ",
    "video_without_gt": "ValueError: attempt to get argmax of an empty sequence",
    "zero_area": "AssertionError: ",
}
"""Cases on which a script stops: no shares to be equal to."""


def shares_of(expected: dict[str, Any]) -> dict[str, list[float]]:
    return {kind: value for kind, value in expected.items() if kind != "counts"}


def equal(shares: dict[str, np.ndarray], expected: dict[str, Any]) -> bool:
    ours = {kind: value.tolist() for kind, value in shares.items()}
    wanted = shares_of(expected)
    return set(ours) == set(wanted) and all(
        ours[kind] == pytest.approx(value, abs=1e-4) for kind, value in wanted.items()
    )


@pytest.mark.parametrize("name", [name for name in SHARES["frames"] if name not in CRASHES])
def test_frames(name: str) -> None:
    truth, found, _ = goldens.case(FRAMES[name]["input"])
    expected = SHARES["frames"][name]
    assert equal(frame.frame_errors(truth, found, FrameRules()), expected)
    ranking, codes = frame.ranked_kinds(truth, found, FrameRules())
    counts = np.zeros((len(truth.classes), 5), int)
    np.add.at(counts, (ranking.label_N, codes), 1)
    assert counts.tolist() == expected["counts"]


@pytest.mark.parametrize("name", [name for name in SHARES["tubes"] if name not in CRASHES])
def test_tubes(name: str) -> None:
    truth, _, found = goldens.case(TUBES[name]["input"])
    assert equal(tube.tube_errors(truth, found, TubeRules(nms=0.3)), SHARES["tubes"][name])


def test_the_cases_without_reference_shares_are_the_listed_ones() -> None:
    failing = {
        name: case["error"]
        for level in ("frames", "tubes")
        for name, case in SHARES[level].items()
        if "error" in case
    }
    assert failing == CRASHES


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("gap_in_gt_tube", ["true positive"]),
        ("gap_in_det_tube", ["true positive"]),
        ("gap_in_gt_tube_end_missing", ["time", "true positive"]),  # 3 and 5 of 9 frames
        ("one_frame_tubes", ["extra"] * 3),  # without the last frame, one frame lasts nothing
        ("video_without_gt", ["true positive", "extra"]),
        (
            "zero_area",
            ["extra", "extra", "true positive"],
        ),  # a point, and inverted boxes
        ("class_with_dets_without_gt", ["true positive", "class"]),
    ],
)
def test_where_the_script_stops_the_plain_meaning_holds(name: str, kinds: list[str]) -> None:
    truth, _, found = goldens.case(TUBES[name]["input"])
    pairs = TubePairs.build(truth, found, tube.multisports(TubeRules()))
    codes = tube.tube_kinds(pairs)[np.argsort(pairs.ranking.row_N)]
    names = ("true positive", *tube.KINDS)
    assert [names[code] for code in codes] == kinds


def test_a_class_with_detections_but_no_truth_has_all_missed() -> None:
    truth, found, _ = goldens.case(FRAMES["class_with_dets_without_gt"]["input"])
    missed = frame.frame_errors(truth, found, FrameRules())["missed"]
    absent = np.setdiff1d(np.arange(len(truth.classes)), truth.tubes.label)
    assert len(absent)
    assert missed[absent].tolist() == [100] * len(absent)
