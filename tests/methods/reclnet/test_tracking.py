"""Tracks from detections: linked by the three rules, laid out, scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from track_examples import SIZE, STANDING, Reader, numbered, paths, walking, whole_tracks

from bench.metrics.boxes import iou_matrix, nms
from bench.records import Array, Detections
from bench.tubes.tracks import TrackingByDetection
from bench.tubes.tubelet_linking import TubeletLinking
from methods.reclnet.described import fc7, softmax
from methods.reclnet.detecting import Found, KeptBoxes, as_persons, detections, tubelets, unsuppressed
from methods.reclnet.extraction import TrackMaker, bytes_per_frame
from methods.reclnet.tracking import FRAME_TRACKS, PERSON_TRACKS, STACK_TRACKS, Tracking, linked
from methods.reclnet.tracks import Tracks

RGB = replace(FRAME_TRACKS, streams=("rgb",))


def tracks(config: Tracking, frames: int, **detectors: Reader) -> Tracks:
    return TrackMaker(config, detectors, 3).tracks(numbered(frames))


def test_class_tracks_last_the_whole_video_and_follow_their_person() -> None:
    found = tracks(replace(RGB, linker=replace(RGB.linker, tracks=2)), 12, rgb=Reader())
    assert found.lengths.tolist() == [12] * 6
    assert found.label_T.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(found.frame_N, np.tile(np.arange(12), 6))
    best_of_0 = found.boxes_N4[found.track_N == 0]
    np.testing.assert_allclose(best_of_0, walking(np.arange(12)))
    best_of_2 = found.boxes_N4[found.track_N == 4]
    np.testing.assert_allclose(best_of_2, np.tile(STANDING, (12, 1)))


def test_tracks_of_several_classes_share_their_distinct_boxes() -> None:
    found = tracks(RGB, 10, rgb=Reader())
    assert len(found.label_T) == 9  # three boxes a frame, so three tracks of each class
    assert len(found.frame_M) == 30
    assert (np.diff(found.frame_M) >= 0).all()
    np.testing.assert_array_equal(found.distinct_M4[found.row_N], found.boxes_N4)
    np.testing.assert_array_equal(found.frame_M[found.row_N], found.frame_N)


def test_a_frame_without_boxes_borrows_those_of_the_nearest_and_looks_at_its_own_picture() -> None:
    found = tracks(RGB, 8, rgb=Reader(missing=(3,)))
    assert (found.lengths == 8).all()
    first = found.boxes_N4[found.track_N == 0]
    np.testing.assert_allclose(first[3], first[2])
    borrowed = found.frame_M == 3
    scores_MC = softmax(numbered(8), "rgb", Reader(), found, 8)
    np.testing.assert_allclose(scores_MC[borrowed, 0], 3 / 256, atol=1e-3)


def test_a_video_without_any_box_has_no_tracks_and_empty_arrays() -> None:
    found = tracks(FRAME_TRACKS, 4, rgb=Reader(missing=range(4)), flow=Reader(missing=range(4), flow=True))
    shapes = {name: array.shape for name, array in found.arrays().items()}
    assert shapes == {
        "track_N": (0,), "frame_N": (0,), "boxes_N4": (0, 4), "label_T": (0,), "row_N": (0,),
        "frame_M": (0,), "distinct_M4": (0, 4),
    }  # fmt: skip


def test_both_streams_score_each_box_on_their_own_pictures() -> None:
    found = tracks(FRAME_TRACKS, 6, rgb=Reader(), flow=Reader(flow=True))
    expected = np.column_stack([found.frame_M, found.distinct_M4[:, :3]]) / 256
    for stream in ("rgb", "flow"):
        scores = softmax(numbered(6), stream, Reader(flow=stream == "flow"), found, 4)
        assert scores.dtype == np.float16
        np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_boost_fusion_lifts_what_both_streams_see() -> None:
    both = linked(numbered(6), {"rgb": Reader(), "flow": Reader(flow=True)}, FRAME_TRACKS)
    best = both.score[both.path == 0]
    np.testing.assert_allclose(best, 1.6, atol=1e-6)  # 0.8 and 0.8 of a box with IoU 1
    alone = linked(numbered(6), {"rgb": Reader(), "flow": Reader(missing=range(6), flow=True)}, FRAME_TRACKS)
    np.testing.assert_allclose(alone.score[alone.path == 0], 0.8, atol=1e-6)


def test_person_tracks_have_no_class_and_bridge_missed_frames() -> None:
    config = replace(PERSON_TRACKS, linker=TrackingByDetection(min_boxes=3), streams=("rgb",))
    found = tracks(config, 12, rgb=Reader(missing=(5, 6)))
    assert found.label_T.tolist() == [-1, -1]
    assert found.lengths.tolist() == [12, 12]
    np.testing.assert_allclose(found.boxes_N4[found.track_N == 0], walking(np.arange(12)), atol=1e-5)


def test_a_person_track_ends_where_only_faint_boxes_follow() -> None:
    config = replace(PERSON_TRACKS, linker=TrackingByDetection(min_boxes=3))
    reader = Reader(faint=range(20, 30))
    assert tracks(config, 30, rgb=reader).lengths.tolist() == [20, 20]
    assert tracks(replace(config, kept=KeptBoxes()), 30, rgb=reader).lengths.tolist() == [30, 30]


def nobody(median: float, seed: int = 0, frames: int = 400) -> Detections:
    """Forty places in which every frame has a box of nobody; now and then one looks like a person."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, [260, 160], (40, 2))
    places = np.hstack([corner, corner + random.uniform([25, 40], [60, 80], (40, 2))])
    boxes = np.concatenate([places + random.normal(0, 3, (40, 4)) for _ in range(frames)])
    score = median * np.exp(random.normal(0, 0.7, len(boxes)))
    score[random.random(len(boxes)) < 0.02] = 0.15
    frame = np.repeat(np.arange(frames), 40)
    found = Detections(("v",), 0 * frame, frame, np.arange(len(frame)), boxes, 0 * frame, score)
    return found[nms(found.boxes_N4, found.score, PERSON_TRACKS.kept.nms, 0, frame)]


def test_space_of_person_tracks_is_enough_where_many_boxes_are_nobody() -> None:
    """A third of them is above the floor; all of them count where there is no floor."""
    boxes = nobody(0.03)
    found = boxes[boxes.score > PERSON_TRACKS.kept.score_floor]
    assert 0.3 < len(found) / len(boxes) < 0.4
    config, unbounded = PERSON_TRACKS, replace(PERSON_TRACKS, kept=KeptBoxes())
    rows = len(config.linker.link(found, np.array([400]))) / 400
    assert rows < config.per_frame(24) < 2 * rows
    assert rows < len(config.linker.link(boxes, np.array([400]))) / 400 < unbounded.per_frame(24)


def test_a_person_is_what_is_not_background_with_the_box_of_its_best_class() -> None:
    boxes = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 1, 4)
    scores = np.array([[0.5, 0.1, 0.3, 0.1], [0.1, 0.7, 0.1, 0.1]], np.float32)
    found = as_persons(Found(boxes, scores))
    np.testing.assert_allclose(found.scores_NC, [[0.5, 0.5], [0.1, 0.9]], atol=1e-6)
    np.testing.assert_array_equal(found.boxes_NLK4, boxes[[0, 1], [1, 0]][:, None])


def test_stack_tracks_average_their_stacks() -> None:
    found = tracks(STACK_TRACKS, 20, rgb=Reader(frames=5))
    first = found.track_N == 0
    assert found.label_T[0] == 0
    np.testing.assert_allclose(found.boxes_N4[first], walking(np.arange(20)), atol=1e-4)


def test_stack_tracks_may_begin_and_end_inside_a_video() -> None:
    gone = [*range(8), *range(20, 60)]
    found = tracks(replace(STACK_TRACKS, min_frames=10), 60, rgb=Reader(frames=5, missing=gone))
    first = found.frame_N[found.track_N == 0]
    assert (first[0], first[-1]) == (8, 23)  # starts 8 to 19, five frames each


def test_short_stack_tracks_go() -> None:
    gone = range(6, 60)
    assert len(tracks(STACK_TRACKS, 60, rgb=Reader(frames=5, missing=gone)).track_N) == 0
    assert len(tracks(replace(STACK_TRACKS, min_frames=10), 60, rgb=Reader(frames=5, missing=gone)).track_N)


def test_a_video_shorter_than_a_stack_has_tracks_as_long_as_itself() -> None:
    found = tracks(replace(STACK_TRACKS, min_frames=1), 3, rgb=Reader(frames=5))
    assert len(found.label_T)
    assert (found.lengths == 3).all()


def test_boxes_are_in_annotation_pixels() -> None:
    wide = (SIZE[0] * 5, SIZE[1] * 5)
    found = TrackMaker(RGB, {"rgb": Reader()}, 3).tracks(numbered(4, annotation=wide))
    np.testing.assert_allclose(found.boxes_N4[found.track_N == 0], walking(np.arange(4)) * 5, rtol=1e-5)
    scores_MC = softmax(numbered(4, annotation=wide), "rgb", Reader(), found, 8)
    np.testing.assert_allclose(scores_MC[:, 1:], found.distinct_M4[:, :3] / 5 / 256, atol=1e-3)


def test_a_batch_bounds_what_goes_through_the_network() -> None:
    reader = Reader()
    TrackMaker(replace(RGB, kept=KeptBoxes(batch=3)), {"rgb": reader}, 3).tracks(numbered(10))
    assert max(reader.batches) == 3


@pytest.mark.parametrize("described", [softmax, fc7])
def test_a_frame_goes_through_the_network_once_to_be_detected_in_and_once_to_be_described(
    described: Callable[..., Array],
) -> None:
    reader, shown = Reader(), numbered(10)
    found = TrackMaker(RGB, {"rgb": reader}, 3).tracks(shown)
    assert sum(reader.batches) == 10
    described(shown, "rgb", reader, found, 4)
    assert sum(reader.batches) == 20


def test_a_detector_of_stacks_needs_the_linker_of_stacks() -> None:
    with pytest.raises(ValueError, match="tubelet"):
        linked(numbered(8), {"rgb": Reader(frames=5)}, RGB)
    with pytest.raises(ValueError, match="name one"):
        Tracking(linker=TubeletLinking())
    with pytest.raises(ValueError, match="name rgb, flow"):
        Tracking(streams=("depth",))


def test_arrays_are_read_back_as_they_were() -> None:
    found = whole_tracks(3, 5)
    again = Tracks.read(found.arrays())
    for name, array in found.arrays().items():
        np.testing.assert_array_equal(getattr(again, name), array)
    dtypes = {name: str(array.dtype) for name, array in found.arrays().items()}
    assert dtypes == {
        "track_N": "int32", "frame_N": "int32", "boxes_N4": "float32", "label_T": "int16",
        "row_N": "int32", "frame_M": "int32", "distinct_M4": "float32",
    }  # fmt: skip


def test_boxes_of_one_frame_alone_are_shared() -> None:
    box = [1, 2, 3, 4]
    found = Tracks.of(paths([box, box, box, [1, 2, 3, 5]], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1]))
    assert found.row_N[0] == found.row_N[2]
    assert found.row_N[1] != found.row_N[3]
    assert len(found.frame_M) == 3


def test_equal_shares_of_labels_go_through_the_cap() -> None:
    found = detections(numbered(2), Reader(), "rgb", KeptBoxes(per_class=2), persons=False)
    assert np.bincount(found.label).tolist() == [4, 4, 4]
    assert len(detections(numbered(2), Reader(), "rgb", KeptBoxes(score_floor=0.5), persons=False)) == 4


def test_stacks_begin_at_every_frame_that_leaves_room() -> None:
    found = tubelets(numbered(9), Reader(frames=5), "rgb", KeptBoxes())
    assert np.unique(found.start).tolist() == [0, 1, 2, 3, 4]
    assert found.boxes_NK4.shape[1:] == (5, 4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 3))
def test_nms_leaves_in_some_frame_what_no_better_kept_box_overlaps(seed: int, count: int, stack: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 20, (2, count, stack, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 20, corner.shape)], axis=-1).astype(np.float32)
    scores = random.permutation(2 * count).reshape(2, count).astype(np.float32) + 1
    left = unsuppressed(boxes, scores, KeptBoxes(nms=0.3))
    for label in range(2):
        expected = np.zeros(count, bool)
        for k in range(stack):
            kept: list[int] = []
            for row in np.argsort(-scores[label]):
                overlaps = iou_matrix(boxes[label, kept, k], boxes[label, [row], k], 0)
                if not (overlaps > 0.3).any():
                    kept.append(int(row))
            expected[kept] = True
        np.testing.assert_array_equal(left[label], expected)


def test_space_is_reckoned_by_tracks_and_classes() -> None:
    found = tracks(RGB, 10, rgb=Reader())
    held = sum(array.nbytes for array in found.arrays().values()) / 10
    config = replace(RGB, linker=replace(RGB.linker, tracks=3))
    assert held <= bytes_per_frame(config.per_frame(3)) < 2 * held
