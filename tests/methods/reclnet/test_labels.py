"""Labels of the boxes of tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from track_examples import paths

from bench.metrics.boxes import iou
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from methods.reclnet.labels import FrameLabels
from methods.reclnet.tracks import Tracks

NAMES = ("run/v_run_g00_c01", "run/v_run_g01_c01")
VIDEO = NAMES[1]


def truth(tubes: list[tuple[int, ...]], boxes: list[tuple[float, ...]]) -> GroundTruth:
    """tubes: (video, tube, label, start, end); boxes: (video, tube, frame, x1, y1, x2, y2)."""
    rows_T5 = np.array(tubes).reshape(-1, 5)
    rows_G7 = np.array(boxes, np.float32).reshape(-1, 7)
    sizes = (np.full(2, n) for n in (20, 64, 48, 25))
    return GroundTruth(
        ("run", "wave", "sit"), VideoTable(NAMES, *sizes, NAMES),
        TruthTubes(NAMES, *rows_T5.T, np.zeros(len(rows_T5))),
        TruthBoxes(NAMES, *rows_G7[:, :3].T, rows_G7[:, 3:]),
    )  # fmt: skip


def standing(frames: range, box: tuple[float, ...] = (0, 0, 10, 10)) -> Tracks:
    return Tracks.of(paths([box] * len(frames), list(frames), [0] * len(frames), [0] * len(frames)))


def labels(annotation: GroundTruth, tracks: Tracks, video: str = VIDEO, min_iou: float = 0.3) -> list[int]:
    return FrameLabels.of(annotation, min_iou).labels(video, tracks.arrays()).tolist()


def test_a_box_that_overlaps_an_action_has_its_class_and_others_are_background() -> None:
    annotation = truth([(1, 4, 2, 2, 4)], [(1, 4, 2, 0, 0, 10, 10), (1, 4, 3, 30, 0, 40, 10)])
    assert labels(annotation, standing(range(5))) == [0, 0, 3, 0, 0]


@pytest.mark.parametrize(("min_iou", "expected"), [(0.25, [1, 1]), (0.3, [0, 1]), (0.35, [0, 0])])
def test_the_overlap_must_be_above_the_setting(min_iou: float, expected: list[int]) -> None:
    annotation = truth([(1, 0, 0, 0, 2)], [(1, 0, 0, 0, 0, 3, 10), (1, 0, 1, 0, 0, 3.1, 10)])
    assert labels(annotation, standing(range(2)), min_iou=min_iou) == expected


def test_of_several_actions_the_one_that_overlaps_most() -> None:
    near, far = (0, 0, 10, 9), (0, 0, 10, 5)
    for first, second, expected in ((near, far, 1), (far, near, 3)):
        annotation = truth([(1, 0, 0, 0, 1), (1, 1, 2, 0, 1)], [(1, 0, 0, *first), (1, 1, 0, *second)])
        assert labels(annotation, standing(range(1))) == [expected]


def test_frames_of_a_span_without_a_box_are_unknown_and_those_outside_background() -> None:
    annotation = truth([(1, 0, 1, 2, 8)], [(1, 0, 4, 0, 0, 10, 10), (1, 0, 6, 30, 0, 40, 10)])
    assert labels(annotation, standing(range(10))) == [0, 0, -1, -1, 2, -1, 0, -1, 0, 0]


def test_another_instance_tells_where_one_has_no_box() -> None:
    annotation = truth([(1, 0, 1, 0, 3), (1, 1, 2, 1, 2)], [(1, 0, 0, 0, 0, 10, 10), (1, 1, 1, 0, 0, 10, 10)])
    assert labels(annotation, standing(range(3))) == [2, 3, -1]


def test_excluded_frames_are_unknown() -> None:
    annotation = replace(truth([], []), excluded_frames=np.array([[1, 2], [0, 1]], np.int32))
    assert labels(annotation, standing(range(4))) == [0, 0, -1, 0]


def test_only_the_own_video_counts() -> None:
    annotation = truth([(0, 0, 0, 0, 3)], [(0, 0, t, 0, 0, 10, 10) for t in range(3)])
    assert labels(annotation, standing(range(3))) == [0, 0, 0]
    assert labels(annotation, standing(range(3)), NAMES[0]) == [1, 1, 1]


def test_boxes_past_the_end_of_the_annotation_are_background() -> None:
    annotation = truth([(1, 0, 0, 0, 1)], [(1, 0, 0, 0, 0, 10, 10)])
    assert labels(annotation, standing(range(18, 24))) == [0] * 6


def test_a_video_without_annotation_is_named() -> None:
    with pytest.raises(ValueError, match=r"no annotation of 'run/v_run_g02_c01'; did you mean"):
        labels(truth([], []), standing(range(2)), "run/v_run_g02_c01")


def test_no_tracks_have_no_labels() -> None:
    empty = Tracks.of(paths(np.zeros((0, 4)), [], [], []))
    assert labels(truth([(1, 0, 0, 0, 1)], [(1, 0, 0, 0, 0, 10, 10)]), empty) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_labels_are_those_of_a_loop_over_all_boxes(seed: int) -> None:
    random = np.random.default_rng(seed)
    spans = [(1, tube, int(random.integers(3)), 0, 4) for tube in (7, 3)]
    annotated = [
        (1, tube, frame, *(corner := random.integers(0, 8, 2)), *(corner + random.integers(3, 9, 2)))
        for tube in (7, 3) for frame in range(4) if random.random() < 0.7
    ]  # fmt: skip
    annotation = truth(spans, annotated)
    corner = random.uniform(0, 8, (8, 2))
    boxes = np.hstack([corner, corner + random.uniform(3, 9, (8, 2))])
    tracks = Tracks.of(paths(boxes, [*range(4), *range(4)], [0] * 4 + [1] * 4, [0] * 8))
    expected = []
    for frame, box in zip(tracks.frame_N, tracks.boxes_N4):
        there = annotation.boxes.frame == frame
        overlaps = iou(box, annotation.boxes.boxes_N4[there], 0)
        if len(overlaps) and overlaps.max() > 0.3:
            best = np.flatnonzero(overlaps == overlaps.max())[-1]
            expected.append(int(annotation.box_labels()[there][best]) + 1)
        else:
            expected.append(0 if there.sum() == 2 else -1)
    assert labels(annotation, tracks) == expected
