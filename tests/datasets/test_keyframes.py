"""From boxes on key-frames to boxes in every frame."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.video import Frame, Video
from datasets.keyframes import (
    _tracked_size,
    boxes_at,
    extend_keyframes,
    key_agreement,
    key_overlaps,
    track_span,
)

sys.path.insert(0, str(Path(__file__).parent))
from daly_example import square_at, write_video

BLACK = [np.zeros((48, 64, 3), np.uint8)] * 10


def truth_of(video: Video, frames: int, spans: list[tuple[int, int]], keys: list[list[int]]) -> GroundTruth:
    """Tubes of one video, each with the true box of the moving square on its key-frames."""
    names = (video.name,)
    start, end = np.array(spans).T
    zero = np.zeros(len(spans), int)
    tubes = TruthTubes(names, zero, np.arange(len(spans)), zero, start, end, zero.astype(bool))
    frame = np.array([key for every in keys for key in every])
    tube = np.repeat(np.arange(len(keys)), [len(every) for every in keys])
    boxes = TruthBoxes(names, tube * 0, tube, frame, np.array([square_at(f) for f in frame]).reshape(-1, 4))
    one = np.array([1])
    table = VideoTable(names, one * frames, one * video.width, one * video.height, one * 25, names)
    return GroundTruth(("move",), table, tubes, boxes)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Video:
    path = tmp_path_factory.mktemp("videos") / "v.mp4"
    write_video(path, (160, 96), 60, 25)
    return Video("v", path, 160, 96)


def drifting(right: float) -> object:
    """A tracker that believes everything moves by so many pixels a frame."""

    def follow(frames: Sequence[Frame], box: np.ndarray) -> np.ndarray:
        return box + np.arange(len(frames))[:, None] * np.array([right, 0, right, 0])

    return follow


def test_each_frame_has_the_median_of_the_tracks_of_all_key_frames() -> None:
    boxes = np.array([[0, 0, 8, 8], [10, 0, 18, 8], [2, 0, 10, 8]], float)
    found = track_span(BLACK, np.array([0, 4, 9]), boxes, drifting(1.0))  # type: ignore[arg-type]
    tracks = [
        [0 + t for t in range(10)],
        [10 + abs(t - 4) for t in range(10)],
        [2 + (9 - t) for t in range(10)],
    ]
    np.testing.assert_allclose(found[:, 0], np.median(tracks, axis=0))
    np.testing.assert_allclose(found[:, 2] - found[:, 0], 8)
    np.testing.assert_allclose(found[:, 1::2], [[0, 8]] * 10)


def test_both_directions_start_at_the_key_frame() -> None:
    seen = []

    def follow(frames: Sequence[Frame], box: np.ndarray) -> np.ndarray:
        seen.append([int(frame[0, 0, 0]) for frame in frames])
        return np.tile(box, (len(frames), 1))

    frames = [np.full((4, 4, 3), number, np.uint8) for number in range(5)]
    track_span(frames, np.array([3]), np.array([[0, 0, 2, 2]]), follow)
    assert seen == [[3, 2, 1, 0], [3, 4]]


def test_a_track_that_is_lost_counts_no_longer() -> None:
    def lost_after_two(frames: Sequence[Frame], box: np.ndarray) -> np.ndarray:
        found = np.full((len(frames), 4), np.nan)
        found[:2] = box
        return found

    found = track_span(BLACK, np.array([2, 20]), np.array([[0, 0, 8, 8], [5, 5, 6, 6]]), lost_after_two)
    assert np.flatnonzero(np.isfinite(found[:, 0])).tolist() == [1, 2, 3]
    assert not np.isfinite(track_span(BLACK, np.array([-1]), np.ones((1, 4)), lost_after_two)).any()


def test_a_tracker_of_the_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"a tracker gave boxes of shape \(4,\) for 1 frames"):
        track_span(BLACK, np.array([0]), np.ones((1, 4)), lambda frames, box: box)


def test_what_has_no_key_frame_or_no_frames_keeps_what_it_has(video: Video) -> None:
    spans = [(5, 10), (20, 25), (58, 70), (90, 95)]
    truth = truth_of(video, 100, spans, [[], [22], [59], [92]])
    still = lambda frames, box: np.tile(box, (len(frames), 1))  # noqa: E731
    found = extend_keyframes(truth, [video], still)
    assert found.boxes.tube.tolist() == [1] * 5 + [2] * 2 + [3]
    assert found.boxes.frame.tolist() == [20, 21, 22, 23, 24, 58, 59, 92]
    assert found.tubes is not truth.tubes
    np.testing.assert_array_equal(found.tubes.start, truth.tubes.start)


def test_people_at_overlapping_times_are_tracked_each(video: Video) -> None:
    truth = truth_of(video, 60, [(5, 30), (10, 50)], [[6], [45]])
    found = extend_keyframes(truth, [video], drifting(0.0))  # type: ignore[arg-type]
    assert np.bincount(found.boxes.tube).tolist() == [25, 40]
    np.testing.assert_allclose(found.boxes.boxes_N4[0], square_at(6), atol=1e-4)
    np.testing.assert_allclose(found.boxes.boxes_N4[-1], square_at(45), atol=1e-4)


def test_large_and_long_videos_are_tracked_in_smaller_frames() -> None:
    large = Video("v", Path("v.mp4"), 1920, 1080)
    portrait = Video("v", Path("v.mp4"), 360, 640)
    assert _tracked_size(large, 100) == (427, 240)
    assert _tracked_size(portrait, 100) == (240, 427)
    assert _tracked_size(Video("v", Path("v.mp4"), 160, 96), 100) == (160, 96)
    width, height = _tracked_size(large, 100_000)
    assert 3 * width * height * 100_000 <= 1.01 * (1 << 30)


def test_boxes_are_found_by_tube_and_frame(video: Video) -> None:
    truth = truth_of(video, 60, [(5, 30), (10, 50)], [[6, 9], [9]])
    places = truth_of(video, 60, [(5, 30), (10, 50)], [[9, 10], [6, 9]]).boxes
    found = boxes_at(truth.boxes, places)
    np.testing.assert_array_equal(found[[0, 3]], truth.boxes.boxes_N4[[1, 2]])
    assert np.isnan(found[1:3]).all()


def test_the_agreement_with_the_key_frames(video: Video) -> None:
    truth = truth_of(video, 60, [(5, 30), (10, 50)], [[6, 28, 55], [11, 12]])
    boxes = truth.boxes.boxes_N4.copy()
    side = boxes[0, 2] - boxes[0, 0]
    boxes[1, [0, 2]] += side / 3  # IoU 2/3 / 4/3
    boxes[3, [0, 2]] += side / 19  # IoU 18/20
    tracked = TruthBoxes(truth.videos.names, np.zeros(5, int), truth.boxes.tube, truth.boxes.frame, boxes)
    found = key_overlaps(truth, replace(truth, boxes=tracked[:4]))
    np.testing.assert_allclose(found, [1, 0.5, 0.9, 0], atol=1e-5)  # 55 lies outside, the last is lost
    boxes[1, [0, 2]] += 1
    agreed = key_agreement(truth, replace(truth, boxes=replace(tracked, boxes_N4=boxes)))
    assert agreed == {"0.5": 75, "0.8": 75}
    assert key_agreement(replace(truth, boxes=truth.boxes[:0]), truth) == {}
