"""Online linking: properties, and agreement with a plain restatement of the algorithm on random videos."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.boxes import iou_matrix, nms
from bench.records import Detections
from bench.tubes.online import OnlineLinker, OnlineLinking
from bench.tubes.paths import Paths

sys.path.insert(0, str(Path(__file__).parent))
from tube_scenes import as_tubelets, detections, moving, random_video, video_strategy

CONFIG = OnlineLinking()


@dataclass
class PlainPath:
    frames: list[int]
    rows: list[int]
    scores: list[float]
    missed: int = field(default=0)


def plain_frame(
    live: list[PlainPath], t: int, rows: np.ndarray, given: Detections, config: OnlineLinking
) -> list[PlainPath]:
    """Extend the live paths of a class by the boxes of frame t in place; returns those that end."""
    edges = np.zeros((len(live), len(rows)))
    for p, path in enumerate(live):
        overlap = iou_matrix(given.boxes_N4[path.rows[-1:]], given.boxes_N4[rows], extent=1)[0]
        edges[p] = np.where(overlap >= config.min_iou, given.score[rows], 0)
    free = set(rows.tolist())
    for p, path in enumerate(live):
        path.missed += 1
        if edges[p].sum() > 0:
            best = int(np.argmax(edges[p]))
            path.frames.append(t)
            path.rows.append(int(rows[best]))
            path.scores.append(float(given.score[rows[best]]))
            path.missed = 0
            edges[:, best] = 0
            free.remove(int(rows[best]))
    live.sort(key=lambda path: -np.mean(sorted(path.scores, reverse=True)[: config.rank_top]))
    ended = [path for path in live if path.missed >= config.max_gap]
    live[:] = [path for path in live if path.missed < config.max_gap]
    live += [PlainPath([t], [row], [float(given.score[row])]) for row in rows.tolist() if row in free]
    return ended


def plain_paths(given: Detections, label: int, config: OnlineLinking) -> list[list[tuple[int, int]]]:
    """(frame, row) lists of the paths of one class, best first."""
    live: list[PlainPath] = []
    dead: list[PlainPath] = []
    for t in range(int(given.frame.max()) + 1):
        rows = np.flatnonzero(
            (given.frame == t) & (given.label == label) & (given.score > config.score_floor)
        )
        rows = rows[np.argsort(-given.score[rows], kind="stable")][: config.candidates]
        rows = rows[nms(given.boxes_N4[rows], given.score[rows], config.nms, extent=0)][: config.per_frame]
        dead += plain_frame(live, t, rows, given, config)
    filled = []
    for path in live + dead:
        if len(path.rows) >= config.min_boxes:
            steps = np.diff(path.frames, prepend=path.frames[0] - 1)
            copies = np.repeat(path.rows, steps).tolist()
            filled.append([(path.frames[0] + i, row) for i, row in enumerate(copies)])
    top = [
        np.mean(sorted([given.score[row] for _, row in path], reverse=True)[: config.path_top])
        for path in filled
    ]
    return [filled[i] for i in np.argsort(-np.array(top), kind="stable")]


def as_lists(paths: Paths, label: int) -> list[list[tuple[int, int]]]:
    spans = zip(paths.starts, paths.starts + paths.lengths)
    return [
        list(zip(paths.frame[a:b].tolist(), paths.row[a:b].tolist()))
        for a, b in spans
        if paths.label[a] == label
    ]


videos = video_strategy()
configs = st.builds(
    OnlineLinking,
    candidates=st.integers(2, 12),
    nms=st.sampled_from([0.2, 0.45, 0.8]),
    per_frame=st.integers(1, 10),
    min_iou=st.sampled_from([0.05, 0.1, 0.4]),
    max_gap=st.integers(1, 5),
    rank_top=st.integers(1, 6),
    min_boxes=st.integers(1, 5),
    path_top=st.sampled_from([3, 20]),
)


@settings(max_examples=150, deadline=None)
@given(given_video=videos, config=configs)
def test_agrees_with_the_plain_algorithm(given_video: Detections, config: OnlineLinking) -> None:
    if not len(given_video):
        return
    paths = config.link(given_video)
    for label in range(int(given_video.label.max()) + 1):
        assert as_lists(paths, label) == plain_paths(given_video, label, config)


@pytest.mark.parametrize("seed", range(8))
def test_equal_scores_keep_the_list_order(seed: int) -> None:
    """Every score is 0.5: each mean is exact, so order rests on stable sorting alone, live before dead."""
    video = random_video(seed, frames=25, people=8, classes=2, levels=1)
    video = replace(video, score=np.full(len(video), 0.5))
    paths = CONFIG.link(video)
    for label in range(2):
        assert as_lists(paths, label) == plain_paths(video, label, CONFIG)


@settings(max_examples=60, deadline=None)
@given(video=videos, config=configs)
def test_paths_are_sound(video: Detections, config: OnlineLinking) -> None:
    paths = config.link(video)
    for start, length in zip(paths.starts, paths.lengths):
        part = slice(start, start + length)
        rows = paths.row[part]
        assert np.all(np.diff(paths.frame[part]) == 1)
        assert np.all(paths.label[part] == video.label[rows])
        np.testing.assert_array_equal(paths.boxes_R4[part], video.boxes_N4[rows])
        np.testing.assert_array_equal(paths.score[part], video.score[rows])
        ahead = video.frame[rows] - paths.frame[part]
        assert np.all((ahead >= 0) & (ahead < config.max_gap))
        found = rows[video.frame[rows] == paths.frame[part]]
        assert len(found) >= config.min_boxes
        assert len(found) == len(np.unique(rows))
    used = paths.row[video.frame[paths.row] == paths.frame]
    assert len(np.unique(used)) == len(used), "a box lies on two paths"


@settings(max_examples=40, deadline=None)
@given(video=videos, seed=st.integers(0, 100))
def test_row_order_does_not_matter(video: Detections, seed: int) -> None:
    shuffle = np.random.default_rng(seed).permutation(len(video))
    straight, shuffled = CONFIG.link(video), CONFIG.link(video[shuffle])
    np.testing.assert_array_equal(straight.row, shuffle[shuffled.row])
    np.testing.assert_array_equal(straight.path, shuffled.path)
    np.testing.assert_array_equal(straight.frame, shuffled.frame)


@settings(max_examples=40, deadline=None)
@given(video=videos, config=configs)
def test_frame_by_frame_equals_batch(video: Detections, config: OnlineLinking) -> None:
    batch = config.link(video)
    linker = OnlineLinker(config, num_classes=3)
    for t in np.unique(video.frame):
        now = video[video.frame == t]
        linker.push(int(t), now.boxes_N4, now.label, now.score)
        linker.paths()
    streamed = linker.paths()
    for column in ("path", "label", "frame", "boxes_R4", "score", "row"):
        np.testing.assert_array_equal(getattr(streamed, column), getattr(batch, column))


def test_push_numbers_the_paths() -> None:
    video = moving([0, 1, 2])
    linker = OnlineLinker(CONFIG, 1)
    seen = [
        linker.push(t, video.boxes_N4[t : t + 1], np.zeros(1, int), np.ones(1)).tolist() for t in range(3)
    ]
    assert seen == [[0], [0], [0]]
    low = linker.push(3, video.boxes_N4[:1], np.zeros(1, int), np.array([0.0005]))
    assert low.tolist() == [-1]


def test_a_gap_is_filled_with_the_next_box() -> None:
    paths = CONFIG.link(moving([2, 3, 6, 7]))
    assert paths.frame.tolist() == [2, 3, 4, 5, 6, 7]
    assert paths.row.tolist() == [0, 1, 2, 2, 2, 3]


def test_a_gap_can_be_filled_on_the_straight_line() -> None:
    video = replace(moving([2, 3, 6, 7]), score=np.array([0.2, 0.3, 0.6, 0.7]))
    paths = replace(CONFIG, gaps="interpolate").link(video)
    assert paths.row.tolist() == [0, 1, 2, 2, 2, 3]
    np.testing.assert_allclose(paths.boxes_R4[:, 0], 10.0 + np.arange(2, 8))
    np.testing.assert_allclose(paths.score, np.arange(2, 8) / 10, rtol=1e-6)


@pytest.mark.parametrize(("missing", "paths"), [(2, 1), (3, 2)])
def test_a_path_ends_after_three_missed_frames(missing: int, paths: int) -> None:
    again = 4 + missing
    video = moving([0, 1, 2, 3, again, again + 1, again + 2, again + 3])
    assert len(CONFIG.link(video).starts) == paths


def test_a_path_needs_four_found_boxes() -> None:
    assert len(CONFIG.link(moving([0, 1, 4]))) == 0
    assert len(CONFIG.link(moving([0, 1, 2, 3])).starts) == 1


def test_the_better_path_chooses_first() -> None:
    """Both paths overlap the one box left: the one with better scores takes it."""
    frame = np.repeat(np.arange(4), 2)
    boxes = np.tile([[0, 0, 40, 40], [30, 0, 70, 40]], (4, 1))
    scores = np.tile([0.4, 0.6], 4)
    shared_box = detections(
        [*frame, 4, 5], [*boxes, [15, 0, 55, 40], [15, 0, 55, 40]], np.zeros(10), [*scores, 0.3, 0.3]
    )
    paths = CONFIG.link(shared_box)
    assert paths.lengths.tolist() == [6, 4]
    assert paths.boxes_R4[0, 0] == 30


def test_nothing_and_little() -> None:
    assert len(CONFIG.link(Detections.empty(["v"]))) == 0
    assert len(OnlineLinker(CONFIG, 24).paths()) == 0
    assert len(CONFIG.link(moving([0]))) == 0
    one = replace(CONFIG, min_boxes=1).link(moving([0]))
    assert one.frame.tolist() == [0]
    assert len(CONFIG.link(moving([0, 1, 2, 3], score=0.0005))) == 0


def test_frames_before_the_first_box_change_nothing() -> None:
    early, late = CONFIG.link(moving([0, 1, 2, 3])), CONFIG.link(moving([50, 51, 52, 53], left=-40.0))
    assert late.frame.tolist() == (early.frame + 50).tolist()
    np.testing.assert_array_equal(late.boxes_R4, early.boxes_R4)


def test_a_thousand_boxes_in_a_frame() -> None:
    rng = np.random.default_rng(3)
    corner = rng.uniform(0, 300, (6 * 1000, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 60, corner.shape)], axis=1)
    video = detections(np.repeat(np.arange(6), 1000), boxes, np.zeros(6000), rng.uniform(size=6000))
    paths = replace(CONFIG, min_boxes=1).link(video)
    assert as_lists(paths, 0) == plain_paths(video, 0, replace(CONFIG, min_boxes=1))
    for t in range(6):
        assert np.count_nonzero((paths.frame == t) & (video.frame[paths.row] == t)) == CONFIG.per_frame


def test_errors_say_what_is_wrong() -> None:
    tubelets = as_tubelets(moving([0, 1]), 3)
    with pytest.raises(ValueError, match="online works on the boxes of frames, not on tubelets"):
        CONFIG.link(tubelets)
    with pytest.raises(ValueError, match="label -1 in row 1 of what is linked"):
        CONFIG.link(replace(moving([0, 1]), label=np.array([0, -1])))
    linker = OnlineLinker(CONFIG, 2, video="v")
    box = np.array([[0.0, 0, 5, 5]])
    linker.push(4, box, np.array([0]), np.array([0.5]))
    with pytest.raises(ValueError, match=r"v: frames must rise; frame 4 was linked last"):
        linker.push(4, box, np.array([0]), np.array([0.5]))
    with pytest.raises(ValueError, match="labels 2 to 2 in a linker of 2 classes"):
        linker.push(5, box, np.array([2]), np.array([0.5]))
    with pytest.raises(ValueError, match="max_gap is 0"):
        OnlineLinking(max_gap=0)
