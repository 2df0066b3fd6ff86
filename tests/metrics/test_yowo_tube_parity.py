"""Equality with YOWO's video-AP on the tubes that its linking makes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.protocol import EVALUATORS
from bench.records import Detections

sys.path.insert(0, str(Path(__file__).parent))
import goldens
import tube_goldens
import yowo_linking
from tube_goldens import differences, load

pytestmark = pytest.mark.parity

STOPS = "AssertionError: "
"""With which YOWO's script stops on truth with a gap."""


def test_yowo_on_its_linked_tubes(shared: Path) -> None:
    truth, _ = tube_goldens.ucf24(shared, "small")
    with np.load(shared / "golden/inputs/ucf24_small/proposals.npz") as stored:
        video, frame, box, score = (stored[name] for name in ("video", "frame", "box", "scores"))
    paths = {}
    for number, length in enumerate(truth.videos.frames):
        rows = [np.flatnonzero((video == number) & (frame == t + 1)) for t in range(length)]
        linked = yowo_linking.link([box[r] for r in rows], [score[r] for r in rows])
        paths |= {(number, label): found for label, found in enumerate(linked)}
    folder = shared / "golden/yowo_video_mAP/ucf24_small"
    with np.load(folder / "linked_tubes_first6videos.npz") as stored:
        _check_linked(stored["rows"], paths)
    expected = tube_goldens.read_fractions(load(folder / "output.json"), truth)
    tubes = tube_goldens.path_tubes(truth.videos.names, paths)
    assert not differences(truth, tubes, EVALUATORS["yowo"], expected)


def _check_linked(linked: np.ndarray, paths: Mapping[tuple[int, int], list[Any]]) -> None:
    """The stored tubes, those that YOWO's NMS left, are among ours, number for number."""
    keys, number = np.unique(linked[:, :3], axis=0, return_inverse=True)
    assert len(keys) > 150
    for tube, (video, label, _) in enumerate(keys.astype(int)):
        rows = linked[number.ravel() == tube]
        assert any(
            np.array_equal(rows[:, 4:8], boxes) and np.allclose(rows[:, 8], scores)
            for boxes, scores in paths[video, label]
        )


MISREAD = {
    "class_with_gt_without_dets",
    "class_without_gt_and_dets",
    "empty_videos",
    "error_taxonomy",
    "ties_n400_five_levels",
    "ties_n40_one_level",
    "ties_n5000_20_levels",
    "ties_small_n12",
}
"""Cases in which YOWO's script mistakes the class or the video of the truth: several classes in one video, or
videos without truth before others. They are equal once the truth is mistaken likewise."""


def test_yowo_adversarial_cases(shared: Path) -> None:
    inputs = load(shared / "golden/inputs/adv_frame.json")
    stored = load(shared / "golden/yowo_video_mAP/adv_frame/output.json")
    for name, rows in stored.items():
        truth, found, _ = goldens.case(inputs[name])
        assert found is not None
        paths = _link_own_boxes(found, len(truth.classes), truth.videos.frames)
        tubes = tube_goldens.path_tubes(truth.videos.names, paths)
        expected = tube_goldens.read_fractions(rows, truth)
        if name == "gt_tube_with_gap":
            assert {row.error for row in expected.values()} == {STOPS}
            continue
        plain = differences(truth, tubes, EVALUATORS["yowo"], expected)
        assert bool(plain) == (name in MISREAD), name
        misread = tube_goldens.misread_by_yowo(truth)
        assert not differences(misread, tubes, EVALUATORS["yowo"], expected), name


def _link_own_boxes(found: Detections, classes: int, frames: np.ndarray) -> dict[tuple[int, int], list[Any]]:
    """Paths where each class was given the boxes detected as such alone."""
    paths = {}
    for video, length in enumerate(frames):
        for label in range(classes):
            own = (found.video == video) & (found.label == label)
            rows = [np.flatnonzero(own & (found.frame == t)) for t in range(length)]
            boxes, scores = [found.boxes_N4[r] for r in rows], [found.score[r][:, None] for r in rows]
            paths[video, label] = yowo_linking.link(boxes, scores)[0]
    return paths
