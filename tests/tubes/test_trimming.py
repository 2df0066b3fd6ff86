"""Temporal trimming: actionness, labelling, and the runs they leave."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from bench.records import Detections
from bench.tubes.kernels import viterbi
from bench.tubes.paths import Paths
from bench.tubes.trimming import by_actionness, by_labelling, class_scores


def some_paths(lengths: list[int], first_frame: int = 3) -> Paths:
    total = sum(lengths)
    frame = np.concatenate([np.arange(n) + first_frame for n in lengths]) if lengths else np.zeros(0)
    return Paths(
        video="v", path=np.repeat(np.arange(len(lengths)), lengths), label=np.zeros(total), frame=frame,
        boxes_R4=np.tile(np.arange(total)[:, None], (1, 4)), score=np.full(total, 0.5), row=np.arange(total),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), max_size=5),
    window=st.sampled_from([1, 3, 5, 17, 25]),
    levels=st.sampled_from([3, 1000]),
    seed=st.integers(0, 1000),
)
def test_keeps_where_the_filtered_actionness_is_high(
    lengths: list[int], window: int, levels: int, seed: int
) -> None:
    """Against scipy's median filter, path by path; few levels make values equal to the threshold common."""
    paths = some_paths(lengths)
    actionness = np.ceil(np.random.default_rng(seed).uniform(size=len(paths)) * levels) / levels
    threshold = 2 / 3
    filtered = [
        median_filter(actionness[a : a + n], size=window, mode="nearest")
        for a, n in zip(paths.starts, paths.lengths)
    ]
    keep = np.concatenate(filtered) >= threshold if filtered else np.zeros(0, bool)
    trimmed = by_actionness(paths, actionness, threshold, window)
    np.testing.assert_array_equal(trimmed.row, np.flatnonzero(keep))
    np.testing.assert_array_equal(trimmed.frame, paths.frame[keep])


def test_each_run_is_a_path() -> None:
    paths = some_paths([6, 4])
    actionness = np.array([0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.9])
    trimmed = by_actionness(paths, actionness, threshold=0.5, window=1)
    assert trimmed.path.tolist() == [0, 0, 1, 1, 1, 2, 3]
    assert trimmed.frame.tolist() == [3, 4, 6, 7, 8, 3, 6]
    assert trimmed.row.tolist() == [0, 1, 3, 4, 5, 6, 9]
    smooth = by_actionness(paths, actionness, threshold=0.5, window=3)
    assert smooth.lengths.tolist() == [6, 1, 1]


def test_trimming_refuses_what_it_cannot_read() -> None:
    paths = some_paths([4])
    with pytest.raises(ValueError, match="odd and positive, got 4"):
        by_actionness(paths, np.ones(4), 0.5, 4)
    with pytest.raises(ValueError, match="4 rows, got shape"):
        by_actionness(paths, np.ones(3), 0.5, 3)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 5),
    classes=st.integers(1, 3),
    alpha=st.sampled_from([0.0, 0.3, 2.0]),
    seed=st.integers(0, 999),
)
def test_labelling_is_the_best_sequence(frames: int, classes: int, alpha: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(size=(frames, classes))

    def worth(labels: tuple[int, ...]) -> float:
        changes = sum(a != b for a, b in itertools.pairwise(labels))
        return float(sum(scores[t, c] for t, c in enumerate(labels)) - alpha * changes)

    best = max(itertools.product(range(classes), repeat=frames), key=worth)
    labels, totals = viterbi(scores, alpha)
    assert worth(tuple(labels.tolist())) == pytest.approx(worth(best))
    assert totals[-1].max() == pytest.approx(worth(best))


def test_labelling_trims_where_another_class_wins() -> None:
    boxes, box = np.tile([0.0, 0, 9, 9], (12, 1)), np.repeat(np.arange(12), 2)
    own = np.where(np.arange(12) < 7, 0.9, 0.1)
    video = Detections(
        videos=("v",), video=np.zeros(24), frame=box, box=box + 5, boxes_N4=np.repeat(boxes, 2, axis=0),
        label=np.tile([0, 2], 12), score=np.stack([own, 1 - own], axis=1).ravel(),
    )  # fmt: skip
    path = Paths("v", np.zeros(12), np.zeros(12), np.arange(12), boxes, own, np.arange(12) * 2)
    scores_RC = class_scores(path, video, 3)
    np.testing.assert_allclose(scores_RC, np.stack([own, np.zeros(12), 1 - own], axis=1), rtol=1e-6)
    assert by_labelling(path, scores_RC, alpha=1.0).frame.tolist() == list(range(7))
    assert len(by_labelling(path, scores_RC, alpha=30.0)) == 12


def test_no_paths() -> None:
    nothing = some_paths([])
    assert len(by_actionness(nothing, np.zeros(0), 0.5, 5)) == 0
    assert len(by_labelling(nothing, np.zeros((0, 3)), 3.0)) == 0
