"""Faster R-CNN as a detector of tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from track_examples import SIZE

from bench.records import Array
from bench.testing import noise
from methods.nn.faster_rcnn.config import TINY, TinyConfig
from methods.nn.faster_rcnn.network import FasterRCNN
from methods.reclnet.described import fc7, softmax
from methods.reclnet.detecting import Detector, KeptBoxes
from methods.reclnet.extraction import TrackMaker
from methods.reclnet.network_detector import NetworkDetector
from methods.reclnet.tracking import FRAME_TRACKS, STACK_TRACKS

NARROW = replace(TINY, trunk=TinyConfig(channels=8, features=16))


def detector(frames: int = 1, seed: int = 0) -> NetworkDetector:
    torch.manual_seed(seed)
    return NetworkDetector(FasterRCNN(NARROW, 3, frames))


def pictures(frames: int, stack: int) -> Array:
    shown = noise(frames=frames * stack, size=SIZE).rgb_THW3
    return shown.reshape(frames, stack, *shown.shape[1:])


@pytest.mark.parametrize("stack", [1, 3])
def test_every_class_has_a_box_in_every_frame_of_a_region(stack: int) -> None:
    made: Detector = detector(stack)
    found = made.detect(pictures(2, stack))
    assert len(found) == 2
    for boxes_NLK4, scores_NC in found:
        assert boxes_NLK4.shape == (len(scores_NC), 3, stack, 4)
        assert scores_NC.shape[1] == 4
        np.testing.assert_allclose(scores_NC.sum(axis=1), 1, rtol=1e-4)
        assert boxes_NLK4.min() >= 0
        assert (boxes_NLK4.max(axis=(0, 1, 2)) <= [*SIZE, *SIZE]).all()


def test_given_boxes_are_described_in_their_order_each_in_its_own_picture() -> None:
    made, shown = detector(), pictures(2, 1)[:, 0]
    first, second = np.array([[2, 2, 30, 40], [20, 4, 50, 44]], np.float32), np.zeros((0, 4), np.float32)
    third = np.array([[8, 8, 40, 40]], np.float32)
    scores, features = made.describe(shown[[0, 1, 1]], [first, second, third])
    assert (scores.shape, features.shape) == ((3, 4), (3, 16))
    alone, of_alone = made.describe(shown[1:], [third])
    np.testing.assert_allclose(scores[2:], alone, atol=1e-5)
    np.testing.assert_allclose(features[2:], of_alone, atol=1e-4)


def test_tracks_and_features_of_a_video_come_from_two_networks() -> None:
    shown = noise(frames=5, annotation=(128, 96), size=SIZE)
    both = {"rgb": detector(), "flow": detector(seed=1)}
    config = replace(FRAME_TRACKS, kept=KeptBoxes(per_class=6, batch=3))
    tracks = TrackMaker(config, both, 3).tracks(shown)
    assert len(tracks.label_T)
    assert (tracks.lengths == 5).all()
    for stream, made in both.items():
        assert fc7(shown, stream, made, tracks, 2).shape == (len(tracks.frame_M), 16)
        assert softmax(shown, stream, made, tracks, 2).shape == (len(tracks.frame_M), 4)
    again = TrackMaker(config, both, 3).tracks(shown)
    for name, array in tracks.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)


def test_stacks_make_tracks() -> None:
    config = replace(STACK_TRACKS, min_frames=1)
    shown = noise(frames=5, size=SIZE)
    tracks = TrackMaker(config, {"rgb": detector(3)}, 3).tracks(shown)
    assert len(tracks.label_T)
    assert (tracks.label_T >= 0).all()
