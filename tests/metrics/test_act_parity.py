"""Equality with ACT.py (Kalogeiton et al. 2017) on all stored outputs of tubes, to 1e-4 percentage points."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.metrics import Evaluation, evaluate
from bench.protocol import EVALUATORS, Protocol
from bench.records import GroundTruth, Tubes

sys.path.insert(0, str(Path(__file__).parent))
import goldens

pytestmark = pytest.mark.parity

Expected = dict[str, dict[str, Any]]

TIES = "equal scores across true and false positives, n > 16: the reference's sort is unstable there"
DIVISION = "ZeroDivisionError: float division by zero"
NOT_EQUAL = {
    "tubes/ties": TIES,
    "tubes/class_with_dets_without_gt": DIVISION,
    "tubes/gap_in_gt_tube": "AssertionError: ",
    "tubes/gap_in_det_tube": "AssertionError: ",
    "tubes/gap_in_gt_tube_end_missing": "TypeError: only size-1 arrays can be converted to Python scalars",
}
"""Every stored case that is not compared, and why: ties, or the error with which the reference stops."""


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def compare(result: Evaluation, expected: Expected) -> None:
    """Per class and mean, at every threshold."""
    for key, row in expected.items():
        threshold = f"{float(key):.2f}"
        assert result.per_class[f"video_ap/{threshold}"] == pytest.approx(row["ap"], abs=1e-4), threshold
        assert result.metrics[f"video_map/{threshold}"] == pytest.approx(row["mAP"], abs=1e-4), threshold


def score(truth: GroundTruth, tubes: Tubes | None, expected: Expected) -> Evaluation:
    bounds = tuple(float(key) for key in expected)
    protocol = Protocol("golden", "1", EVALUATORS["act"], video_thresholds=bounds)
    return evaluate(truth, None, tubes, protocol)


def expected_of(shared: Path, name: str) -> Expected:
    return load(shared / "golden/act/adv_tubes/output.json")[name]


def test_adversarial_cases(shared: Path) -> None:
    cases = load(shared / "golden/inputs/adv_tubes.json")
    assert len(cases) == 18
    for name, case in cases.items():
        if f"tubes/{name}" not in NOT_EQUAL:
            truth, _, tubes = goldens.case(case)
            expected = expected_of(shared, name)
            compare(score(truth, tubes, expected), expected)


def test_the_listed_exceptions_are_what_they_are_said_to_be(shared: Path) -> None:
    for entry, reason in NOT_EQUAL.items():
        for row in expected_of(shared, entry.removeprefix("tubes/")).values():
            if reason is TIES:
                assert max(row["n_det"].values()) > 16
            else:
                assert row["error"] == reason


def small(shared: Path) -> tuple[GroundTruth, Tubes]:
    folder = shared / "golden/inputs/ucf24_small"
    table = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    truth = goldens.ground_truth(load(folder / "meta.json")["labels"], table["videos"], table["gt_tubes"])
    return truth, goldens.tubes(truth.videos.names, table["det_tubes"])


def test_ucf24_small_tubes(shared: Path) -> None:
    truth, tubes = small(shared)
    stored = load(shared / "golden/act/ucf24_small_videoAP/output.json")
    result = score(truth, tubes, stored["videoAP"])
    compare(result, stored["videoAP"])
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
    tubes = goldens.tubes(truth.videos.names, table["det_tubes"])
    metrics = evaluate(truth, None, tubes, Protocol("ucf24", "1", EVALUATORS["act"])).metrics
    stated = {
        "video_map/0.20": 86.919,
        "video_map/0.50": 75.922,
        "video_map/0.50-0.95": 29.0365,
    }
    assert {name: metrics[name] for name in stated} == pytest.approx(stated, abs=6e-4)
