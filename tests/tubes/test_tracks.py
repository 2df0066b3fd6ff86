"""Person tracks: followed from the best box outwards, or given; a path for every class along them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.records import Detections
from bench.tubes.tracks import GivenTracks, TrackingByDetection

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import detections, moving

RULE = TrackingByDetection(min_boxes=1)


def two_classes(scores_B2: np.ndarray, found: Detections) -> Detections:
    """Each box with a score for class 0 and for class 3; a score of 0 is left out."""
    rows = found[np.repeat(np.arange(len(found)), 2)]
    rows = replace(rows, label=np.tile([0, 3], len(found)), score=scores_B2.ravel())
    return rows[rows.score > 0]


def test_a_person_is_followed_both_ways_from_the_best_box() -> None:
    found = moving(list(range(9)))
    found = replace(found, score=np.array([0.01, 0.05, 0.3, 0.4, 0.9, 0.2, 0.05, 0.02, 0.01]))
    paths = RULE.link(found)
    assert paths.frame.tolist() == list(range(9))
    assert paths.row.tolist() == list(range(9))
    assert len(replace(RULE, start_score=0.95).link(found)) == 0


def test_a_track_ends_where_it_misses_too_many_frames() -> None:
    found = moving([0, 1, 2, 6, 7])
    assert len(replace(RULE, max_gap=3).link(found).starts) == 2
    paths = replace(RULE, max_gap=4).link(found)
    assert paths.frame.tolist() == list(range(8))
    assert paths.boxes_R4[:, 0].tolist() == [10.0 + t for t in range(8)]
    copied = replace(RULE, max_gap=4, gaps="copy").link(found)
    assert copied.boxes_R4[:, 0].tolist() == [10, 11, 12, 16, 16, 16, 16, 17]
    assert len(replace(RULE, min_boxes=3, max_gap=3).link(found).starts) == 1


def test_the_next_box_has_the_highest_sum_of_score_and_overlap() -> None:
    boxes = [[0, 0, 40, 40], [1, 0, 41, 40], [8, 0, 48, 40]]
    near = detections([0, 1, 1], boxes, [0, 0, 0], [0.9, 0.5, 0.6])
    assert RULE.link(near).row[:2].tolist() == [0, 1]
    better = replace(near, score=np.array([0.9, 0.2, 0.8]))
    assert replace(RULE, nms=0.5).link(better).row[:2].tolist() == [0, 2]


def test_what_overlaps_a_track_starts_no_other() -> None:
    boxes = [[0, 0, 40, 40], [4, 0, 44, 40], [100, 0, 140, 40]]
    found = detections([0, 0, 0], boxes, [0, 0, 0], [0.9, 0.8, 0.5])
    assert RULE.link(found).row.tolist() == [0, 2]
    assert replace(RULE, nms=0.9).link(found).row.tolist() == [0, 1, 2]
    assert replace(RULE, tracks=1).link(found).row.tolist() == [0]


def test_every_class_of_a_box_gets_a_path_with_its_own_scores() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.0], [0.7, 0.3]])
    found = two_classes(scores, moving([0, 1, 2]))
    paths = RULE.link(found)
    assert paths.label.tolist() == [0, 0, 0, 3, 3, 3]
    assert paths.score.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.1, 0.0, 0.3])
    assert paths.frame.tolist() == [0, 1, 2] * 2
    assert found.label[paths.row].tolist() == [0, 0, 0, 3, 0, 3]
    given = GivenTracks().link(replace(found, track=np.zeros(len(found))))
    for column in ("label", "score", "frame", "boxes_R4", "row"):
        np.testing.assert_array_equal(getattr(given, column), getattr(paths, column))


def test_objectness_counts_where_there_is_one() -> None:
    boxes = [[0, 0, 40, 40], [4, 0, 44, 40]]
    found = replace(detections([0, 0], boxes, [0, 0], [0.9, 0.8]), objectness=np.array([0.2, 0.7]))
    assert RULE.link(found).row.tolist() == [1]


def test_given_tracks_are_filled_and_ordered_by_score() -> None:
    found = Detections.concat([moving([4, 6], score=0.2), replace(moving([1, 2], 0.6), box=np.array([7, 8]))])
    paths = GivenTracks().link(replace(found, track=np.array([5, 5, 2, 2])))
    assert paths.frame.tolist() == [1, 2, 4, 5, 6]
    assert paths.boxes_R4[:, 0].tolist() == [11, 12, 14, 15, 16]
    assert paths.row.tolist() == [2, 3, 0, 1, 1]
    assert GivenTracks("copy").link(replace(found, track=np.array([5, 5, 2, 2]))).boxes_R4[3, 0] == 16
    assert GivenTracks().link(replace(found, track=np.array([-1, -1, 2, 2]))).frame.tolist() == [1, 2]


def test_tracks_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="no column 'track'"):
        GivenTracks().link(moving([0, 1]))
    twice = replace(moving([3, 3]), track=np.array([4, 4]))
    with pytest.raises(ValueError, match="track 4 of video 'v' has two boxes in frame 3"):
        GivenTracks().link(twice)
    with pytest.raises(ValueError, match="tracks is 0"):
        TrackingByDetection(tracks=0)
