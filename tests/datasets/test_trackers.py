"""OpenCV's trackers."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.metrics.boxes import iou
from datasets.trackers import TRACKERS

sys.path.insert(0, str(Path(__file__).parent))
from daly_example import moving_square, square_at

BLACK = [np.zeros((48, 64, 3), np.uint8)] * 10


@pytest.mark.parametrize("name", TRACKERS)
def test_they_follow_a_moving_square(name: str) -> None:
    frames = [moving_square((160, 96), number) for number in range(20, 55)]
    found = TRACKERS[name](frames, np.array(square_at(20)))
    overlap = iou(found, np.array([square_at(number) for number in range(20, 55)]), 0)
    assert overlap.min() > 0.5
    assert overlap.mean() > 0.7


@pytest.mark.parametrize("name", TRACKERS)
def test_boxes_that_cannot_be_followed_are_kept_where_they_are(name: str) -> None:
    for box in ([70.0, 50.0, 90.0, 60.0], [3.0, 3.0, 3.0, 3.0], [-50.0, -9.0, -40.0, -2.0]):
        found = TRACKERS[name](BLACK, np.array(box))
        np.testing.assert_array_equal(found[0], box)
        assert found.shape == (10, 4)


@pytest.mark.parametrize("name", TRACKERS)
def test_an_opencv_without_them_says_how_to_get_one_that_has_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cv2, f"Tracker{name.upper()}_create")
    with pytest.raises(ValueError, match=rf"without Tracker{name.upper()}, .* opencv-contrib-python-h"):
        TRACKERS[name](BLACK, np.array([3.0, 3.0, 20.0, 20.0]))
