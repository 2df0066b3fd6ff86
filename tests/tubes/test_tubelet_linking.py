"""Tubelets: from detections and back, and their linking against a plain restatement of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.boxes import iou
from bench.records import Detections, Tubelets
from bench.tubes.tubelet_linking import TubeletLinking
from bench.tubes.tubelets import frame_detections, stacked

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import as_tubelets, moving, video_strategy

configs = st.builds(
    TubeletLinking,
    nms=st.sampled_from([0.2, 0.3, 0.6]),
    suppression=st.sampled_from(["hard", "soft", "soft-sum"]),
    per_frame=st.integers(1, 10),
    min_iou=st.sampled_from([0.1, 0.2, 0.5]),
    max_gap=st.sampled_from([None, 1, 3, 7]),
    min_score=st.sampled_from([0.0, 0.3]),
)


@dataclass
class PlainPath:
    starts: list[int]
    rows: list[int]
    scores: list[float]


def overlap(tubelets: Tubelets, a: int, b: int, offset: int) -> float:
    stack = tubelets.boxes_NK4.shape[1]
    if offset >= stack:
        return float(iou(tubelets.boxes_NK4[a, -1], tubelets.boxes_NK4[b, 0], 1))
    return float(iou(tubelets.boxes_NK4[a, offset:], tubelets.boxes_NK4[b, : stack - offset], 1).mean())


def plain_nms(tubelets: Tubelets, rows: list[int], rule: TubeletLinking) -> list[tuple[float, int]]:
    """(score, row) of the tubelets of one start that are linked, best first."""
    rows = sorted(rows, key=lambda row: -tubelets.score[row])
    stack = tubelets.boxes_NK4.shape[1]
    leaders: list[int] = []
    kept = []
    for row in rows:
        near = [o for leader in leaders if (o := overlap(tubelets, leader, row, 0)) > rule.nms]
        score = float(tubelets.score[row])
        if not near:
            leaders.append(row)
            kept.append((score, row))
        elif rule.suppression != "hard":
            kept.append((score * (1 - near[0] * (stack if rule.suppression == "soft-sum" else 1)), row))
    return sorted(kept, key=lambda pair: -pair[0])[: rule.per_frame]


def plain_paths(tubelets: Tubelets, label: int, rule: TubeletLinking) -> list[PlainPath]:
    """Every frame in turn, as the papers' programs do it."""
    stack = tubelets.boxes_NK4.shape[1]
    gap = stack if rule.max_gap is None else rule.max_gap
    live: list[PlainPath] = []
    done: list[PlainPath] = []
    for t in range(int(tubelets.start.max()) + 1):
        mine = np.flatnonzero((tubelets.start == t) & (tubelets.label == label) & (tubelets.score > 0))
        free = plain_nms(tubelets, mine.tolist(), rule)
        live.sort(key=lambda path: -float(np.mean(path.scores)))
        for path in list(live):
            offset = t - path.starts[-1]
            near = [p for p in free if overlap(tubelets, path.rows[-1], p[1], offset) >= rule.min_iou]
            if near:
                score, row = near[0]
                free.remove((score, row))
                path.starts.append(t)
                path.rows.append(row)
                path.scores.append(score)
            elif offset >= gap:
                live.remove(path)
                done.append(path)
        live += [PlainPath([t], [row], [score]) for score, row in free]
    return done + live


@settings(max_examples=80, deadline=None)
@given(video=video_strategy(people=6), rule=configs, stack=st.integers(1, 5))
def test_agrees_with_the_plain_algorithm(video: Detections, rule: TubeletLinking, stack: int) -> None:
    if not len(video):
        return
    tubelets = as_tubelets(video, stack)
    path_N, _ = rule.link_tubelets(tubelets)
    paths = rule.link(tubelets)
    for label in range(int(video.label.max()) + 1):
        plain = plain_paths(tubelets, label, rule)
        ours = [
            np.flatnonzero(path_N == p).tolist() for p in np.unique(path_N[video.label == label]) if p >= 0
        ]
        assert sorted(ours) == sorted(path.rows for path in plain)
        kept = [path for path in plain if np.mean(path.scores) >= rule.min_score]
        expected = sorted((-float(np.mean(p.scores)), p.starts[0], p.starts[-1] + stack - 1) for p in kept)
        heads = paths.starts[paths.label[paths.starts] == label]
        lengths = paths.lengths[paths.label[paths.starts] == label]
        assert paths.path_score is not None
        np.testing.assert_allclose(paths.path_score[heads], [-e[0] for e in expected], rtol=1e-5)
        assert paths.frame[heads].tolist() == [e[1] for e in expected]
        assert (paths.frame[heads] + lengths - 1).tolist() == [e[2] for e in expected]


def test_boxes_and_scores_are_means_over_the_tubelets_of_a_frame() -> None:
    boxes = np.arange(6).reshape(2, 3, 1) * np.array([0.5, 0, 0.5, 0]) + [0, 0, 20, 20]
    tubelets = Tubelets(("v",), [0, 0], [4, 6], boxes, [1, 1], [0.2, 0.6])
    paths = TubeletLinking().link(tubelets)
    assert paths.frame.tolist() == [4, 5, 6, 7, 8]
    np.testing.assert_allclose(paths.boxes_R4[:, 0], [0, 0.5, (1 + 1.5) / 2, 2, 2.5])
    np.testing.assert_allclose(paths.score, [0.2, 0.2, 0.4, 0.6, 0.6], rtol=1e-6)
    np.testing.assert_allclose(paths.path_score, 0.4, rtol=1e-6)
    assert set(paths.row) == {-1}


def test_frames_that_no_tubelet_covers_lie_on_the_straight_line() -> None:
    boxes = np.array([[[0, 0, 20, 20]] * 2, [[6, 0, 26, 20]] * 2], float)
    tubelets = Tubelets(("v",), [0, 0], [0, 4], boxes, [0, 0], [0.2, 0.8])
    assert len(TubeletLinking(max_gap=2).link(tubelets).starts) == 2
    paths = TubeletLinking(max_gap=4).link(tubelets)
    assert paths.frame.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(paths.boxes_R4[:, 0], [0, 0, 2, 4, 6, 6])
    np.testing.assert_allclose(paths.score, [0.2, 0.2, 0.4, 0.6, 0.8, 0.8], rtol=1e-6)


@pytest.mark.parametrize(("suppression", "score"), [("soft", 0.8 * (1 - 1 / 3)), ("soft-sum", 0.8 * (1 - 1))])
def test_soft_suppression(suppression: str, score: float) -> None:
    """A tubelet of three boxes that overlap the better one's by a third (20 of 60 pixels)."""
    boxes = np.repeat([[[0, 0, 39, 9]], [[20, 0, 59, 9]]], 3, axis=1)
    tubelets = Tubelets(("v",), [0, 0], [0, 0], boxes, [0, 0], [0.9, 0.8])
    rule = TubeletLinking(suppression=suppression, nms=0.3)  # type: ignore[arg-type]
    np.testing.assert_allclose(rule.link_tubelets(tubelets)[1], [0.9, score], atol=1e-6)
    assert TubeletLinking(nms=0.3).link_tubelets(tubelets)[0].tolist() == [0, -1]


def marked(tubelets: Tubelets) -> Detections:
    """The boxes of tubelets as detections, numbered in the column ``tubelet``."""
    count, stack = tubelets.boxes_NK4.shape[:2]
    return Detections(
        tubelets.videos, np.repeat(tubelets.video, stack),
        (tubelets.start[:, None] + np.arange(stack)).ravel(), np.arange(count * stack),
        tubelets.boxes_NK4.reshape(-1, 4), np.repeat(tubelets.label, stack),
        np.repeat(tubelets.score, stack), tubelet=np.repeat(np.arange(count), stack),
    )  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(video=video_strategy(people=3), stack=st.integers(1, 4), seed=st.integers(0, 99))
def test_marked_detections_are_their_tubelets(video: Detections, stack: int, seed: int) -> None:
    tubelets = as_tubelets(video, stack)
    rows = marked(tubelets)
    found = stacked(rows[np.random.default_rng(seed).permutation(len(rows))])
    for column in ("video", "start", "boxes_NK4", "label", "score"):
        if len(video):
            np.testing.assert_array_equal(getattr(found, column), getattr(tubelets, column))
    np.testing.assert_array_equal(TubeletLinking().link(rows).score, TubeletLinking().link(tubelets).score)


def test_broken_tubelets_are_refused() -> None:
    rows = marked(as_tubelets(moving([0, 3, 9]), 4))
    with pytest.raises(ValueError, match="no column 'tubelet'"):
        stacked(replace(rows, tubelet=None))
    with pytest.raises(ValueError, match=r"tubelet 1 of video 'v', label 0: expected 4 boxes"):
        stacked(rows[np.arange(12) != 5])
    with pytest.raises(ValueError, match=r"tubelet 2 of video 'v'.*one score"):
        stacked(replace(rows, score=np.where(np.arange(12) == 10, 0.1, rows.score)))
    with pytest.raises(ValueError, match=r"tubelet 0 of video 'v'.*consecutive frames"):
        stacked(replace(rows, frame=np.where(np.arange(12) == 3, 7, rows.frame)))
    with pytest.raises(ValueError, match="per_frame 0"):
        TubeletLinking(per_frame=0)


def test_frame_detections_are_the_boxes_of_each_frame_after_nms() -> None:
    boxes = np.repeat([[[0, 0, 39, 9]], [[1, 0, 40, 9]], [[90, 0, 99, 9]]], 2, axis=1)
    tubelets = Tubelets(("a", "v"), [1, 1, 1], [0, 1, 1], boxes, [0, 0, 0], [0.5, 0.9, 0.3])
    found = frame_detections(tubelets)
    assert found.videos == ("a", "v")
    assert found.frame.tolist() == [0, 1, 1, 2, 2]
    assert found.score.tolist() == pytest.approx([0.5, 0.9, 0.3, 0.9, 0.3])
    assert found.boxes_N4[:, 0].tolist() == [0, 1, 90, 1, 90]
    assert len(np.unique(found.box)) == 5
    assert len(frame_detections(Tubelets.empty(["v"]))) == 0
