"""Linking of whole videos: the best chain of all, boxes that are borrowed, spans."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.boxes import iou
from bench.records import Detections
from bench.tubes.viterbi import SAHA, ViterbiLinking

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import detections, many, moving, random_video

configs = st.builds(
    ViterbiLinking,
    tracks=st.integers(1, 4),
    counted=st.sampled_from(["link", "box"]),
    overlap=st.sampled_from([0.0, 1.0, 2.5]),
    product=st.sampled_from([0.0, 0.5]),
)


def worth(chain: tuple[int, ...], found: Detections, rule: ViterbiLinking) -> float:
    """What the rule's docstring says a chain of rows is worth."""
    scores = found.score[list(chain)].astype(np.float64)
    boxes = found.boxes_N4[list(chain)]
    overlap, product = iou(boxes[:-1], boxes[1:], 0).sum(), (scores[:-1] * scores[1:]).sum()
    total = scores.sum() if rule.counted == "box" else (scores[:-1] + scores[1:]).sum()
    return float(total + rule.overlap * overlap + rule.product * product)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 9999), frames=st.integers(2, 5), rule=configs)
def test_each_path_is_the_best_chain_of_what_is_left(seed: int, frames: int, rule: ViterbiLinking) -> None:
    found = random_video(seed, frames, people=4, classes=1, levels=None)
    there = [np.flatnonzero(found.frame == t).tolist() for t in range(frames)]
    first, last = (int(found.frame.min()), int(found.frame.max())) if len(found) else (0, -1)
    filled = [t for t in range(frames) if there[t]]
    near = [min(filled, key=lambda s, t=t: (abs(s - t), s)) for t in range(first, last + 1)]
    left = [list(there[t]) for t in near]
    paths = rule.link(found)
    number = min([rule.tracks, *map(len, left)]) if left else 0
    assert len(paths.starts) == number
    for start in paths.starts:
        chain = tuple(paths.row[start : start + len(left)].tolist())
        best = max(worth(other, found, rule) for other in itertools.product(*left))
        assert all(row in rows for row, rows in zip(chain, left))
        if len(left) > 1:
            assert worth(chain, found, rule) == pytest.approx(best, abs=1e-9)
        for row, rows in zip(chain, left):
            rows.remove(row)


def test_a_path_lasts_as_long_as_its_video() -> None:
    two = many([moving([3, 4, 7]), moving([1])])
    alone = ViterbiLinking().link(two)
    assert alone.frame.tolist() == [3, 4, 5, 6, 7, 1]
    assert alone.row.tolist() == [0, 1, 1, 2, 2, 3]
    whole = ViterbiLinking().link(two, np.array([10, 3]))
    assert whole.frame.tolist() == [*range(10), 0, 1, 2]
    assert whole.row.tolist() == [0] * 4 + [1] * 2 + [2] * 4 + [3] * 3
    late = ViterbiLinking().link(two, np.array([2, 2]))
    assert late.frame.tolist() == [*range(8), 0, 1]
    with pytest.raises(ValueError, match="frames of 1 videos, but there are 2"):
        ViterbiLinking().link(two, np.array([10]))


def test_nms_and_limits_choose_the_boxes() -> None:
    boxes = [[0, 0, 40, 40], [2, 0, 42, 40], [100, 0, 140, 40]]
    found = detections([0, 0, 0], boxes, [0, 0, 0], [0.5, 0.6, 0.05])
    assert ViterbiLinking().link(found).row.tolist() == [1, 0, 2]
    assert ViterbiLinking(nms=0.3).link(found).row.tolist() == [1, 2]
    assert ViterbiLinking(score_floor=0.1).link(found).row.tolist() == [1, 0]
    assert ViterbiLinking(candidates=1).link(found).row.tolist() == [1]
    assert ViterbiLinking(tracks=2).link(found).row.tolist() == [1, 0]
    with pytest.raises(ValueError, match="tracks is 0"):
        ViterbiLinking(tracks=0)


def test_overlap_outweighs_score_or_not() -> None:
    """The better box of frame 1 lies elsewhere: with overlap the chain stays, without it jumps."""
    boxes = [[0, 0, 40, 40], [1, 0, 41, 40], [200, 0, 240, 40]]
    found = detections([0, 1, 1], boxes, [0, 0, 0], [0.9, 0.3, 0.6])
    assert ViterbiLinking().link(found).row.tolist() == [0, 1]
    assert ViterbiLinking(overlap=0.0).link(found).row.tolist() == [0, 2]


def test_saha_finds_five_tracks_of_a_class() -> None:
    boxes = np.array([[60.0 * i, 0, 60 * i + 40, 40] for i in range(7)])
    found = detections(
        np.repeat([0, 1], 7), np.tile(boxes, (2, 1)), np.zeros(14), np.tile(np.arange(7) + 1, 2)
    )
    paths = SAHA.link(found)
    assert paths.score.tolist() == np.repeat([7, 6, 5, 4, 3], 2).tolist()
    assert len(replace(SAHA, tracks=9).link(found).starts) == 7
