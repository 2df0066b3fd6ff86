"""The size of boxes, learnt from pairs of track boxes and annotated boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.boxes import iou
from bench.records import Array
from bench.testing import toy_truth
from bench.training import CHECKPOINT, Compute, train
from methods.base import TrainingData
from methods.reclnet.box_size import BoxSize, SizePairs, size_pairs
from methods.reclnet.box_size_training import BoxSizeStage, load_box_size

FRAME = (320, 240)


def boxes(count: int, random: np.random.Generator) -> Array:
    """Boxes well inside the frame."""
    centre = random.uniform([110, 90], [210, 150], (count, 2))
    half = random.uniform(10, 30, (count, 2))
    return np.hstack([centre - half, centre + half])


def pairs(track_P4: Array, truth_P4: Array) -> SizePairs:
    return SizePairs(track_P4, truth_P4, np.tile(FRAME, (len(track_P4), 1)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_linear_model_that_made_the_annotation_is_recovered(seed: int) -> None:
    random = np.random.default_rng(seed)
    model = BoxSize(random.uniform(-0.1, 0.1, (4, 4)))
    track = boxes(60, random)
    found = BoxSize.fit(pairs(track, model.applied(track, FRAME)))
    others = boxes(20, random)
    np.testing.assert_allclose(found.applied(others, FRAME), model.applied(others, FRAME), atol=0.05)
    np.testing.assert_allclose(found.weights_44, model.weights_44, atol=1e-3)


def test_annotation_that_is_narrower_and_higher_makes_boxes_so() -> None:
    random = np.random.default_rng(3)
    track = boxes(200, random)
    centre, half = (track[:, :2] + track[:, 2:]) / 2, (track[:, 2:] - track[:, :2]) / 2
    narrow = np.hstack([centre - half * [0.7, 1.2], centre + half * [0.7, 1.2]])
    noisy = narrow + random.normal(0, 1, narrow.shape)
    model = BoxSize.fit(pairs(track[:150], noisy[:150]))
    before, after = iou(track[150:], narrow[150:], 0), iou(model.applied(track[150:], FRAME), narrow[150:], 0)
    assert before.mean() < 0.65
    assert after.mean() > 0.95


def test_without_weights_boxes_stay_but_inside_the_frame() -> None:
    same = BoxSize(np.zeros((4, 4)))
    np.testing.assert_allclose(same.applied([[10, 20, 30, 60]], FRAME), [[10, 20, 30, 60]])
    np.testing.assert_allclose(same.applied([[-5, 20, 330, 250]], FRAME), [[0, 20, 320, 240]])
    assert same.applied(np.zeros((0, 4)), FRAME).shape == (0, 4)


def test_one_pair_is_enough_for_a_model_and_a_degenerate_box_for_numbers() -> None:
    one = BoxSize.fit(pairs(np.array([[10.0, 10, 30, 50]]), np.array([[12.0, 10, 32, 50]])))
    np.testing.assert_allclose(one.applied([[10, 10, 30, 50]], FRAME), [[12, 10, 32, 50]], atol=1e-4)
    assert np.isfinite(one.applied([[5, 5, 5, 5]], FRAME)).all()


def test_each_annotated_box_takes_the_track_box_of_its_frame_that_overlaps_it_most() -> None:
    frames = np.array([0, 0, 1, 2])
    tracks = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    truth = np.array([[2, 0, 12, 10], [0, 0, 10, 19], [0, 0, 10, 21]], np.float32)
    found = size_pairs((frames, tracks), (np.array([0, 1, 2]), truth), FRAME, 0.5)
    np.testing.assert_array_equal(found.track_P4, tracks[[1, 2]])  # the last one overlaps by 10 / 21
    np.testing.assert_array_equal(found.truth_P4, truth[:2])
    assert found.size_P2.tolist() == [[320, 240]] * 2
    lower = size_pairs((frames, tracks), (np.array([0, 1, 2]), truth), FRAME, 0.4)
    np.testing.assert_array_equal(lower.truth_P4, truth)


def test_pairs_of_videos_without_any_are_none() -> None:
    nothing = (np.zeros(0, int), np.zeros((0, 4)))
    one = size_pairs((np.array([3]), np.array([[0, 0, 9, 9.0]])), nothing, FRAME, 0.5)
    with pytest.raises(ValueError, match="box_size=false"):
        BoxSize.fit(SizePairs.concat([one, size_pairs(nothing, nothing, FRAME, 0.5)]))


class Linked(NamedTuple):
    """Footage of which only what was linked is kept."""

    annotation_size: tuple[int, int]
    arrays: dict[str, Array]

    def extracted(self, name: str) -> dict[str, Array]:
        assert name == "paths"
        return self.arrays


def test_the_stage_learns_from_all_videos_and_is_read_as_it_was_written(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    model = BoxSize(random.uniform(-0.1, 0.1, (4, 4)))
    truth = toy_truth()
    frame = truth.boxes.frame
    track = boxes(len(frame), random)
    truth = replace(truth, boxes=replace(truth.boxes, boxes_N4=model.applied(track, FRAME)))
    library = {}
    for number, name in enumerate(truth.videos.names):
        there = truth.boxes.video == number
        library[name] = Linked(FRAME, {"frame": frame[there], "boxes_R4": track[there]})
    tracked = replace(truth, boxes=replace(truth.boxes, boxes_N4=track))  # would teach to leave boxes alone
    data = TrainingData(tracked, library, key_truth=truth)  # type: ignore[arg-type]
    stage = BoxSizeStage(data, "paths", 0.5)
    assert train(stage, tmp_path, 0, Compute("cpu")) == {"steps": 0}
    found = load_box_size(tmp_path / CHECKPOINT)
    np.testing.assert_allclose(found.applied(track, FRAME), truth.boxes.boxes_N4, atol=0.01)
    assert found.weights_44.dtype == np.float64
