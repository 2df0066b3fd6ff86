"""All decompositions at once: what applies, what the means are, and what is refused."""

from __future__ import annotations

import copy
import re
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics import evaluate
from bench.metrics.errors import decompose
from bench.metrics.errors.decompose import KINDS, dap_threshold
from bench.metrics.errors.oracle import SUBSETS
from bench.protocol import EVALUATORS, Protocol
from bench.records import Detections, Tubes

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
import error_scenes
import worked
from worked import BOX

ACT = Protocol("hand", "1", EVALUATORS["act"])
TRUTH = worked.truth([(0, 0, range(10), BOX), (1, 1, range(10), BOX)])
DETECTIONS = worked.detections([(0, 0, 0, 0.9, BOX)])
TUBES = worked.tubes([(0, 0, range(10), BOX, 0.9)])


def all_none(numbers: dict) -> bool:
    return all(all_none(value) if isinstance(value, dict) else value is None for value in numbers.values())


def test_a_level_without_predictions_is_not_applicable_and_empty_ones_miss_everything() -> None:
    found = decompose(TRUTH, DETECTIONS, None, ACT)
    assert set(found.overall) == set(KINDS) == set(found.per_class)
    assert found.overall["frame"] == dict.fromkeys(KINDS["frame"], 0.0) | {"missed": 95}
    for name in ("tube", "oracle", "dap"):
        assert list(found.overall[name]) == list(KINDS[name])
        assert all_none(found.overall[name])
        assert all_none(found.per_class[name])
    names = TRUTH.videos.names
    empty = decompose(TRUTH, Detections.empty(names), Tubes.empty(names), ACT).overall
    assert empty["frame"]["missed"] == empty["tube"]["missed"] == empty["dap"]["missed"] == 100
    assert set(empty["oracle"].values()) == {0.0}


def test_a_level_that_the_evaluator_does_not_score_is_not_applicable() -> None:
    found = decompose(TRUTH, DETECTIONS, TUBES, replace(ACT, evaluator=EVALUATORS["voc"]))
    assert found.overall["frame"]["missed"] == 95
    assert all_none(found.overall["dap"])


def test_the_mean_is_over_the_classes_and_those_left_out_are_none() -> None:
    truth = worked.truth([(0, 0, range(10), BOX), (1, 1, range(10), BOX)], classes="ABC")
    skipping = decompose(truth, DETECTIONS, None, replace(ACT, evaluator=EVALUATORS["voc"]))
    assert skipping.per_class["frame"]["missed"] == {"A": 90, "B": 100, "C": None}
    assert skipping.overall["frame"]["missed"] == 95
    counting = decompose(truth, DETECTIONS, None, ACT)
    assert counting.per_class["frame"]["missed"] == {"A": 90, "B": 100, "C": 100}
    assert counting.overall["frame"]["missed"] == pytest.approx(290 / 3)


def test_subsets_of_classes_are_given_where_all_of_them_are_there() -> None:
    short = SUBSETS["short"]
    truth = worked.truth([(0, 0, range(10), BOX), (1, 6, range(10), BOX)], classes="1234567")
    truth = replace(truth, classes=(*short, "Diving"))
    found = worked.tubes([(0, 0, range(10), BOX, 0.9), (1, 6, range(10), BOX, 0.9)])
    oracle = decompose(truth, None, found, ACT).overall["oracle"]
    assert oracle["none"] == pytest.approx(200 / 7)
    assert oracle["short/none"] == oracle["short/temporal+spatial+class"] == pytest.approx(100 / 6)
    lacking = replace(truth, classes=("Other", *short[1:], "Diving"))
    assert list(decompose(lacking, None, found, ACT).overall["oracle"]) == list(KINDS["oracle"])


def test_dap_is_about_the_ranking_metric() -> None:
    assert dap_threshold(ACT) == 0.5
    assert dap_threshold(replace(ACT, ranking_metric="video_map/0.20")) == 0.2
    assert dap_threshold(replace(ACT, ranking_metric="video_map/0.10")) == 0.5
    assert dap_threshold(replace(ACT, ranking_metric="frame_map/0.75")) == 0.5
    assert dap_threshold(replace(ACT, ranking_metric="video_map/0.50-0.95")) == 0.5
    misplaced = worked.tubes([(0, 0, range(3), BOX, 0.9)])
    loose = replace(ACT, ranking_metric="video_map/0.20")
    assert decompose(TRUTH, None, misplaced, ACT).overall["dap"]["time"] == 50
    assert decompose(TRUTH, None, misplaced, loose).overall["dap"]["time"] == 0


def test_names_stay_apart_as_mlflow_writes_them() -> None:
    names = [f"{what}/{kind}" for what, kinds in KINDS.items() for kind in kinds]
    assert len({re.sub(r"[^\w./ -]+", "-", name) for name in names}) == len(names) == 29


def test_errors() -> None:
    with pytest.raises(ValueError, match="labels 5 to 5, but the ground truth has 2 classes"):
        decompose(TRUTH, replace(DETECTIONS, label=[5]), None, ACT)
    with pytest.raises(ValueError, match="NaN in row 0"):
        decompose(TRUTH, None, replace(TUBES, score=np.full(10, np.nan)), ACT)
    with pytest.raises(ValueError, match="'elsewhere'"):
        decompose(TRUTH, replace(DETECTIONS, videos=("elsewhere", "v1")), None, ACT)


def test_videos_may_be_listed_in_another_order() -> None:
    turned = TUBES.with_videos(TUBES.videos[::-1])
    assert decompose(TRUTH, DETECTIONS, turned, ACT) == decompose(TRUTH, DETECTIONS, TUBES, ACT)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(EVALUATORS)))
def test_numbers_agree_with_the_evaluation_and_inputs_stay(seed: int, name: str) -> None:
    truth = error_scenes.truth(seed)
    found, linked = error_scenes.detections(seed), error_scenes.tubes(seed)
    protocol = Protocol("any", "1", EVALUATORS[name])
    before = copy.deepcopy((truth.tubes, truth.boxes, found, linked))
    mistakes = decompose(truth, found, linked, protocol)
    for old, new in zip(before, (truth.tubes, truth.boxes, found, linked)):
        for field in fields(old):
            assert np.array_equal(getattr(old, field.name), getattr(new, field.name))
    metrics = evaluate(truth, found, linked, protocol).metrics
    if protocol.evaluator.tubes:
        assert mistakes.overall["oracle"]["none"] == pytest.approx(metrics["video_map/0.75"])
    if protocol.evaluator.frames and metrics["frame_map/0.50"] is not None:
        shares = [value for value in mistakes.overall["frame"].values() if value is not None]
        assert sum(shares) + metrics["frame_map/0.50"] == pytest.approx(100)
