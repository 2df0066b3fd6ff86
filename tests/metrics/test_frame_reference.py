"""Equality with reference evaluators of frames on stored cases; needs nothing beside the checkout."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import goldens
from frame_goldens import STORED, score, score_ava

from bench.protocol import EVALUATORS

REFERENCE = Path(__file__).parents[1] / "reference"
INPUTS = json.loads((REFERENCE / "act_frame_cases.json").read_text())["cases"]
EXPECTED = json.loads((REFERENCE / "frame_cases.json").read_text())["evaluators"]
AVA = json.loads((REFERENCE / "ava_cases.json").read_text())
RUNS = {"no_exclusions": False, "with_exclusions": True}


@pytest.mark.parametrize("name", EXPECTED)
def test_frame_cases(name: str) -> None:
    by_frame = name == "coco" or STORED[name].by_frame
    rules = EVALUATORS["coco"] if name == "coco" else STORED[name].rules()
    for case, expected in EXPECTED[name].items():
        truth, detections, _ = goldens.case(INPUTS[case]["input"])
        assert detections is not None
        if by_frame:
            detections = detections[np.lexsort((detections.frame, detections.video))]
        result = score(truth, detections, rules, map(float, expected))
        for threshold, ap in expected.items():
            assert result.per_class[f"frame_ap/{threshold}"] == pytest.approx(ap, abs=1e-4), case


@pytest.mark.parametrize("name", AVA["expected"])
def test_ava_cases(tmp_path: Path, name: str) -> None:
    compared = 0
    for case, runs in AVA["expected"][name].items():
        paths = goldens.write_ava_lines(AVA["cases"][case], tmp_path / case)
        for run, expected in runs.items():
            if "error" not in expected:
                found = score_ava(paths, name, RUNS[run]).per_class["frame_ap/0.50"]
                ap = {key: value for key, value in found.items() if value is not None}
                assert ap == pytest.approx(expected, abs=1e-4), (case, run)
                compared += 1
    assert compared == {"ava": 19, "ava-2019": 34, "ava-slowfast": 34, "ava-mmaction2": 32}[name]


PLAIN = {
    ("ava-2019", "empty_image_two_column_row"): 50.0,  # the empty frame is a frame like any other
    ("ava-slowfast", "empty_image_two_column_row"): 50.0,
    ("ava-mmaction2", "empty_image_two_column_row"): 100.0,  # it has no truth, so nothing on it counts
    ("ava-2019", "timestamp_formats"): 100.0,
    ("ava-slowfast", "timestamp_formats"): 100.0,
    ("ava-mmaction2", "timestamp_formats"): 100.0,
    (
        "ava-mmaction2",
        "invalid_boxes",
    ): 12.5,  # 3 false positives, then a hit: precision 1/4 over half the truth
}
"""AP of class 12 where the reference stops with an error."""


@pytest.mark.parametrize(("name", "case"), PLAIN)
def test_crashes_of_the_references_have_the_plain_meaning(tmp_path: Path, name: str, case: str) -> None:
    assert "error" in AVA["expected"][name][case]["no_exclusions"]
    paths = goldens.write_ava_lines(AVA["cases"][case], tmp_path)
    result = score_ava(paths, name, exclude=False)
    assert result.per_class["frame_ap/0.50"]["c12"] == pytest.approx(PLAIN[name, case])


def test_every_crash_has_its_plain_meaning() -> None:
    crashes = {
        (name, case)
        for name, cases in AVA["expected"].items()
        for case, runs in cases.items()
        if any("error" in expected for expected in runs.values())
    }
    assert crashes == set(PLAIN)


def test_yowo_leaves_frames_without_truth_out() -> None:
    """On the cases the reference was run on all frames; as YOWO runs it, background costs nothing."""
    truth, detections, _ = goldens.case(INPUTS["error_taxonomy"]["input"])
    assert detections is not None
    annotated = set(zip(truth.boxes.video.tolist(), truth.boxes.frame.tolist()))
    on = [place in annotated for place in zip(detections.video.tolist(), detections.frame.tolist())]
    assert not all(on)
    assert len(score(truth, detections, "yowo").matches) == sum(on)
    everywhere = EVALUATORS["yowo"].frames
    assert everywhere is not None
    rules = replace(EVALUATORS["yowo"], frames=replace(everywhere, frames="every"))
    assert len(score(truth, detections, rules).matches) == len(on)
