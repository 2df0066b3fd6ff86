"""Equality with the reference evaluators of tubes on stored cases; needs nothing beside the checkout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.metrics import evaluate
from bench.protocol import EVALUATORS, Evaluator, Protocol
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import goldens
import tube_goldens
from tube_goldens import DALY, daly

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = json.loads((REFERENCE / "tube_cases.json").read_text())
INPUTS = {
    name: case["input"]
    for name, case in json.loads((REFERENCE / "act_tubes_cases.json").read_text())["cases"].items()
}
NAN_FIRST = "no_common_keyframe_with_best_temporal_overlap"
"""Truth that shares no key-frame has overlap NaN in beyond_keyframes, and NaN wins; it overlaps 0 here."""


def check(truth: GroundTruth, tubes: Tubes, evaluator: Evaluator, expected: dict[str, Any]) -> int:
    """Compares AP class by class and returns how many thresholds have one to compare with."""
    bounds = tuple(float(t) for t in expected)
    result = evaluate(truth, None, tubes, Protocol("cases", "1", evaluator, video_thresholds=bounds))
    numbers = {t: row for t, row in expected.items() if isinstance(row, list)}
    for threshold, row in numbers.items():
        ours = list(result.per_class[f"video_ap/{threshold}"].values())
        assert ours == pytest.approx(row, abs=1e-4)
    return len(numbers)


def inputs(data: dict[str, Any]) -> tuple[GroundTruth, Tubes]:
    truth, _, tubes = goldens.case(data)
    assert tubes is not None
    return truth, tubes


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("name", ["multisports", "road"])
def test_dense_tubes(name: str, case: str) -> None:
    truth, tubes = inputs(INPUTS[case])
    fed = tube_goldens.fed_to_road(tubes) if name == "road" else tubes
    compared = check(truth, fed, EVALUATORS[name], CASES["tubes"][name][case])
    assert compared or "gap" in case  # both stop with an error on tubes with gaps


@pytest.mark.parametrize("case", INPUTS)
@pytest.mark.parametrize("variant", DALY)
def test_daly_rules_on_dense_tubes(variant: str, case: str) -> None:
    truth, tubes = inputs(INPUTS[case])
    expected = CASES["tubes"][variant][case]
    assert check(truth, tubes, daly(variant, nms=False), expected) == 4


@pytest.mark.parametrize("case", CASES["keyframes"])
@pytest.mark.parametrize("variant", DALY)
def test_keyframes(variant: str, case: str) -> None:
    truth, tubes = tube_goldens.daly_case(CASES["keyframes"][case]["input"])
    expected = CASES["keyframes"][case]["expected"][variant]
    if case == NAN_FIRST and variant.startswith("spatial_only"):
        assert set(map(tuple, expected.values())) == {(0.0,)}
        expected = {t: [50.0] for t in expected}  # the second truth is found, the first is not
    assert check(truth, tubes, daly(variant, nms=False), expected) == 3


@pytest.mark.parametrize("case", CASES["yowo"])
def test_yowo_on_its_linked_tubes(case: str) -> None:
    truth, tubes = inputs(CASES["yowo"][case]["input"])
    assert check(truth, tubes, EVALUATORS["yowo"], CASES["yowo"][case]["expected"]) == 4


def test_retinanet3d_is_act_without_nms() -> None:
    """3D-RetinaNet repeats ACT's evaluation but for that; here ACT's NMS drops nothing, so they agree."""
    stored = json.loads((REFERENCE / "act_tubes_cases.json").read_text())["cases"]
    compared = 0
    for name in ("basic", "one_frame_tubes", "zero_area", "exactly_at_threshold_0.5"):
        truth, tubes = inputs(INPUTS[name])
        expected = {t: list(row["ap"].values()) for t, row in stored[name]["expected"].items()}
        compared += check(truth, tubes, EVALUATORS["retinanet3d"], expected)
    assert compared == 16
