"""Augmentation: crops, smaller pictures, colour."""

from __future__ import annotations

import numpy as np

from bench.metrics.boxes import iou
from methods.rfb_flow import augment
from methods.rfb_flow.clips import MEAN

SIZE = (60, 40)
BOXES = np.array([[5, 5, 25, 35], [40, 10, 55, 30]], np.float32)


def windows(count: int = 300) -> list[tuple[int, int, int, int] | None]:
    rng = np.random.default_rng(0)
    return [augment.crop_window(BOXES, SIZE, rng) for _ in range(count)]


def test_crops_lie_in_the_frame_and_hold_the_centre_of_a_box() -> None:
    found = [window for window in windows() if window]
    assert 100 < len(found) < 300
    for x, y, width, height in found:
        assert 0 <= x <= x + width <= 60
        assert 0 <= y <= y + height <= 40
        assert 0.5 <= height / width <= 2
        assert augment.centre_inside(BOXES, (x, y, width, height)).any()
    overlaps = [iou(BOXES, np.array([x, y, x + w, y + h]), 0).max() for x, y, w, h in found]
    assert min(overlaps) < 0.3 < 0.5 < max(overlaps)


def test_a_frame_without_boxes_is_cropped_too() -> None:
    rng = np.random.default_rng(0)
    nothing = np.zeros((0, 4), np.float32)
    assert any(augment.crop_window(nothing, SIZE, rng) for _ in range(20))


def test_the_whole_frame_is_seen_no_oftener_than_in_ssd() -> None:
    """It is drawn as one of seven options; those that a small box cannot meet are drawn again."""
    rng, person = np.random.default_rng(0), np.array([[130, 90, 170, 210]], np.float32)
    whole = [augment.crop_window(person, (300, 300), rng) is None for _ in range(400)]
    assert 0.22 < np.mean(whole) < 0.38


def test_a_smaller_picture_lies_in_the_mean_colour() -> None:
    rng = np.random.default_rng(1)
    found = [augment.expanded_window(SIZE, rng) for _ in range(100)]
    assert 30 < sum(window is None for window in found) < 70
    for window in found:
        if window is not None:
            x, y, width, height = window
            assert 0 <= -x <= width - 60
            assert 0 <= -y <= height - 40
            assert width <= 240
    white = np.full((2, 40, 60, 3), 255, np.uint8)
    seen = augment.taken(white, (-60, 0, 120, 80))  # the picture is the upper right quarter
    assert (seen[:, :19, 31:] == 255).all()
    assert (seen[:, 21:] == np.array(MEAN, np.uint8)).all()
    assert (seen[:, :, :29] == np.array(MEAN, np.uint8)).all()


def test_colour_changes_alike_in_all_frames_and_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.integers(0, 256, (1, 8, 8, 3)).astype(np.uint8), 3, axis=0)
    kinds = set()
    for seed in range(30):
        found = augment.distorted(frames, np.random.default_rng(seed))
        assert found.dtype == np.uint8
        assert np.array_equal(found[0], found[2])
        kinds.add(found.tobytes())
    assert len(kinds) > 25
