"""Equality with ACT.py (Kalogeiton et al. 2017) on all stored outputs, to 1e-4 percentage points."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.metrics import Evaluation, evaluate
from bench.protocol import EVALUATORS, Evaluator, FrameRules, Protocol
from bench.records import Detections, GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import goldens

pytestmark = pytest.mark.parity

Expected = dict[str, dict[str, Any]]

TIES = "equal scores across true and false positives, n > 16: the reference's sort is unstable there"
DIVISION = "ZeroDivisionError: float division by zero"
NOT_EQUAL = {
    "frame/ties_n40_one_level": TIES,
    "frame/ties_n400_five_levels": TIES,
    "frame/ties_n5000_20_levels": TIES,
    "tubes/ties": TIES,
    "frame/class_with_dets_without_gt": DIVISION,
    "tubes/class_with_dets_without_gt": DIVISION,
    "tubes/gap_in_gt_tube": "AssertionError: ",
    "tubes/gap_in_det_tube": "AssertionError: ",
    "tubes/gap_in_gt_tube_end_missing": "TypeError: only size-1 arrays can be converted to Python scalars",
}
"""Every stored case that is not compared, and why: ties, or the error with which the reference stops."""


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def compare(result: Evaluation, level: str, expected: Expected) -> None:
    """Per class and mean, at every threshold."""
    for key, row in expected.items():
        threshold = f"{float(key):.2f}"
        assert result.per_class[f"{level}_ap/{threshold}"] == pytest.approx(row["ap"], abs=1e-4), threshold
        assert result.metrics[f"{level}_map/{threshold}"] == pytest.approx(row["mAP"], abs=1e-4), threshold


def score(
    truth: GroundTruth,
    detections: Detections | None,
    tubes: Tubes | None,
    expected: Expected,
    rules: str = "act",
) -> Evaluation:
    bounds = tuple(float(key) for key in expected)
    evaluator = EVALUATORS.get(rules, MULTISPORTS)
    protocol = Protocol("golden", "1", evaluator, frame_thresholds=bounds, video_thresholds=bounds)
    return evaluate(truth, detections, tubes, protocol)


def case_names(shared: Path) -> list[tuple[str, str]]:
    kinds = ("frame", "tubes")
    return [(kind, name) for kind in kinds for name in load(shared / f"golden/inputs/adv_{kind}.json")]


def expected_of(shared: Path, kind: str, name: str) -> Expected:
    stored = load(shared / f"golden/act/adv_{kind}/output.json")[name]
    return stored["frameAP"] if kind == "frame" else stored


def test_adversarial_cases(shared: Path) -> None:
    compared = 0
    for kind, name in case_names(shared):
        if f"{kind}/{name}" in NOT_EQUAL:
            continue
        expected = expected_of(shared, kind, name)
        inputs = goldens.case(load(shared / f"golden/inputs/adv_{kind}.json")[name])
        compare(score(*inputs, expected), {"frame": "frame", "tubes": "video"}[kind], expected)
        compared += 1
    assert compared == 36 - len(NOT_EQUAL)


def test_the_listed_exceptions_are_what_they_are_said_to_be(shared: Path) -> None:
    for entry, reason in NOT_EQUAL.items():
        kind, name = entry.split("/")
        for row in expected_of(shared, kind, name).values():
            if reason is TIES:
                assert max(row["n_det"].values()) > 16
            else:
                assert row["error"] == reason


def small(shared: Path) -> tuple[GroundTruth, Detections, Tubes]:
    folder = shared / "golden/inputs/ucf24_small"
    table = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    truth = goldens.ground_truth(load(folder / "meta.json")["labels"], table["videos"], table["gt_tubes"])
    names = truth.videos.names
    return truth, goldens.detections(names, table["frame_dets"]), goldens.tubes(names, table["det_tubes"])


def test_ucf24_small_frames(shared: Path) -> None:
    truth, detections, _ = small(shared)
    expected = load(shared / "golden/act/ucf24_small_frameAP/output.json")["frameAP"]
    result = score(truth, detections, None, expected)
    compare(result, "frame", expected)
    assert result.metrics["frame_map/0.50"] == pytest.approx(66.0714, abs=1e-4)


def test_ucf24_small_tubes(shared: Path) -> None:
    truth, _, tubes = small(shared)
    stored = load(shared / "golden/act/ucf24_small_videoAP/output.json")
    result = score(truth, None, tubes, stored["videoAP"])
    compare(result, "video", stored["videoAP"])
    assert result.metrics["video_map/0.50-0.95"] == pytest.approx(stored["mAP_0_5_0_95"], abs=1e-4)
    for key, row in stored["videoAP"].items():
        rows = result.matches[result.matches["threshold"] == round(float(key), 9)]
        for label, flags in enumerate(row["tp_flags_in_rank_order"].values()):
            ours = rows.loc[rows["label"] == label, "true_positive"]
            assert "".join("01"[int(flag)] for flag in ours) == flags


def test_ucf24_full_totals(shared: Path) -> None:
    folder = shared / "golden/inputs/ucf24_full"
    table = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    truth = goldens.ground_truth(load(folder / "meta.json")["labels"], table["videos"], table["gt_tubes"])
    names = truth.videos.names
    found, linked = goldens.detections(names, table["frame_dets"]), goldens.tubes(names, table["det_tubes"])
    metrics = evaluate(truth, found, linked, Protocol("ucf24", "1", EVALUATORS["act"])).metrics
    stated = {
        "frame_map/0.50": 52.7488,
        "video_map/0.20": 86.919,
        "video_map/0.50": 75.922,
        "video_map/0.50-0.95": 29.0365,
    }
    assert {name: metrics[name] for name in stated} == pytest.approx(stated, abs=6e-4)


MULTISPORTS = Evaluator(
    "multisports-frames",
    frames=FrameRules(box_extent=0, matching="best-of-all", average="envelope", absent_classes="skip"),
)
"""The frame rules of evaluate_multisports.py: they exercise the engine's other settings."""


def check_multisports(truth: GroundTruth, detections: Detections | None, expected: Expected) -> None:
    result = score(truth, detections, None, expected, "multisports-frames")
    for key, row in expected.items():
        threshold = f"{float(key):.2f}"
        present = [ap for ap in result.per_class[f"frame_ap/{threshold}"].values() if ap is not None]
        assert present == pytest.approx(row["ap_in_label_order_of_classes_with_gt"], abs=1e-4)
        assert result.metrics[f"frame_map/{threshold}"] == pytest.approx(row["mAP"], abs=1e-4)


def test_multisports_frames(shared: Path) -> None:
    truth, detections, _ = small(shared)
    folder = shared / "golden/multisports"
    check_multisports(truth, detections, load(folder / "ucf24_small/output.json")["frameAP"])
    inputs = load(shared / "golden/inputs/adv_frame.json")
    for name, expected in load(folder / "adv_frame/output.json").items():
        if NOT_EQUAL.get(f"frame/{name}") is not TIES:
            truth, detections, _ = goldens.case(inputs[name])
            check_multisports(truth, detections, expected)
