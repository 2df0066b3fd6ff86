"""Temporal trimming: scores and actionness above a threshold, labelling, and the runs they leave."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from bench.records import Detections, Tubelets
from bench.tubes import TRIMMINGS, Trimming
from bench.tubes.kernels.labelling import viterbi
from bench.tubes.labelling import BinaryLabelling, TemporalLabelling
from bench.tubes.paths import Paths
from bench.tubes.tracks import GivenTracks
from bench.tubes.trimming import ActionnessTrimming, ThresholdTrimming


def some_paths(lengths: list[int], score: object = 0.5, first_frame: int = 3) -> Paths:
    total = sum(lengths)
    frame = np.concatenate([np.arange(n) + first_frame for n in lengths]) if lengths else np.zeros(0)
    return Paths(
        videos=("v",), video=np.zeros(total), path=np.repeat(np.arange(len(lengths)), lengths),
        label=np.zeros(total), frame=frame, boxes_R4=np.tile(np.arange(total)[:, None], (1, 4)),
        score=np.broadcast_to(score, total), row=np.arange(total),
    )  # fmt: skip


def detections_of(paths: Paths, actionness: np.ndarray | None = None) -> Detections:
    """What the paths may have been linked from."""
    return Detections(
        paths.videos, paths.video, paths.frame, paths.row, paths.boxes_R4, paths.label, paths.score,
        actionness=actionness,
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), max_size=5),
    window=st.sampled_from([1, 3, 5, 17, 25]),
    levels=st.sampled_from([3, 1000]),
    seed=st.integers(0, 1000),
)
def test_keeps_where_the_filtered_value_is_high(
    lengths: list[int], window: int, levels: int, seed: int
) -> None:
    """Against medians of padded values, path by path; few levels: values often equal the threshold."""
    values = np.ceil(np.random.default_rng(seed).uniform(size=sum(lengths)) * levels) / levels
    values = values.astype(np.float32)
    paths, threshold = some_paths(lengths, values), float(np.float32(2 / 3))
    for mode, trimmed in (
        ("symmetric", ThresholdTrimming(threshold, window).trim(paths, detections_of(paths))),
        ("edge", ActionnessTrimming(threshold, window).trim(paths, detections_of(paths, values))),
    ):
        padded = [
            np.pad(values[a : a + n], window // 2, mode=mode)  # type: ignore[call-overload]
            for a, n in zip(paths.starts, paths.lengths)
        ]
        filtered = [np.median(sliding_window_view(part, window), axis=1) for part in padded]
        keep = np.concatenate(filtered) >= threshold if filtered else np.zeros(0, bool)
        np.testing.assert_array_equal(trimmed.row, np.flatnonzero(keep))
        np.testing.assert_array_equal(trimmed.frame, paths.frame[keep])


def test_each_run_is_a_path() -> None:
    scores = np.array([0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.9])
    paths = some_paths([6, 4], scores)
    trimmed = ThresholdTrimming(0.5, window=1).trim(paths, detections_of(paths))
    assert trimmed.path.tolist() == [0, 0, 1, 1, 1, 2, 3]
    assert trimmed.frame.tolist() == [3, 4, 6, 7, 8, 3, 6]
    assert trimmed.row.tolist() == [0, 1, 3, 4, 5, 6, 9]
    smooth = ThresholdTrimming(0.5, window=3).trim(paths, detections_of(paths))
    assert smooth.lengths.tolist() == [6, 1, 1]


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


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 8), max_size=4),
    alpha=st.sampled_from([0.0, 0.4, 3.0]),
    seed=st.integers(0, 999),
)
def test_binary_labelling_has_two_labels(lengths: list[int], alpha: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(size=sum(lengths)).astype(np.float32)
    paths = some_paths(lengths, scores)
    keep = [
        viterbi(np.stack([scores[a : a + n], 1.0 - scores[a : a + n].astype(float)], axis=1), alpha)[0] == 0
        for a, n in zip(paths.starts, paths.lengths)
    ]
    trimmed = BinaryLabelling(alpha).trim(paths, detections_of(paths))
    assert trimmed.row.tolist() == np.flatnonzero(np.concatenate([[], *keep])).tolist()


def test_labelling_trims_where_another_class_wins() -> None:
    """Two paths of one box a frame: of class 0, which wins until frame 7, and of class 2."""
    boxes, box = np.tile([0.0, 0, 9, 9], (12, 1)), np.repeat(np.arange(12), 2)
    own = np.where(np.arange(12) < 7, 0.9, 0.1)
    video = Detections(
        videos=("v",), video=np.zeros(24), frame=box, box=box + 5, boxes_N4=np.repeat(boxes, 2, axis=0),
        label=np.tile([0, 2], 12), score=np.stack([own, 1 - own], axis=1).ravel(),
    )  # fmt: skip
    paths = Paths(
        ("v",), np.zeros(24), np.repeat([0, 1], 12), np.repeat([0, 2], 12), np.tile(np.arange(12), 2),
        np.tile(boxes, (2, 1)), np.concatenate([own, 1 - own]), np.arange(24).reshape(12, 2).T.ravel(),
    )  # fmt: skip
    cut = TemporalLabelling(alpha=1.0).trim(paths, video)
    assert cut.label.tolist() == [0] * 7 + [2] * 5
    assert cut.frame.tolist() == list(range(12))
    whole = TemporalLabelling(alpha=30.0).trim(paths, video)
    assert whole.label.tolist() == [0] * 12
    shuffled = np.random.default_rng(0).permutation(24)
    moved = replace(paths, row=np.argsort(shuffled)[paths.row])
    assert TemporalLabelling(alpha=1.0).trim(moved, video[shuffled]).label.tolist() == cut.label.tolist()


def test_a_box_that_lacks_the_class_has_no_actionness() -> None:
    """Along a given track: class 1 has no row in frame 1, whose other class has a high actionness."""
    found = Detections(
        ("v",), [0] * 5, [0, 0, 1, 2, 2], [0, 0, 1, 2, 2], np.tile([0.0, 0, 9, 9], (5, 1)), [0, 1, 0, 0, 1],
        [0.5] * 5, track=[0] * 5, actionness=[0.9, 0.8, 0.9, 0.9, 0.7],
    )  # fmt: skip
    trimmed = ActionnessTrimming(0.5, window=1).trim(GivenTracks().link(found), found)
    assert trimmed.label.tolist() == [0, 0, 0, 1, 1]
    assert trimmed.frame.tolist() == [0, 1, 2, 0, 2]


@pytest.mark.parametrize("rule", TRIMMINGS.values(), ids=TRIMMINGS)
def test_every_trimming(rule: Trimming) -> None:
    nothing = some_paths([])
    assert len(rule.trim(nothing, detections_of(nothing, np.zeros(0)))) == 0
    one = some_paths([1, 1], 1.0)
    assert rule.trim(one, detections_of(one, np.ones(2))).lengths.tolist() == [1, 1]


def test_trimming_refuses_what_it_cannot_read() -> None:
    paths = some_paths([4])
    for rule in (ThresholdTrimming, ActionnessTrimming):
        with pytest.raises(ValueError, match="odd and positive, got 4"):
            rule(window=4)
    with pytest.raises(ValueError, match="no column 'actionness'"):
        ActionnessTrimming().trim(paths, detections_of(paths))
    with pytest.raises(ValueError, match="labelling works on the boxes of frames, not on tubelets"):
        TemporalLabelling().trim(paths, Tubelets.empty(["v"]))
    made = replace(paths, row=np.full(4, -1))
    with pytest.raises(ValueError, match="labelling looks up every box"):
        TemporalLabelling().trim(made, detections_of(paths))
