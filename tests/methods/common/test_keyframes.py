"""Which frames are trained on, in what order, under which labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.testing import INFO, toy_truth
from methods.common.keyframes import Examples, KeyFrames, background_frames, with_shuffled_labels


def test_key_frames_are_the_annotated_ones() -> None:
    annotation = toy_truth()
    keys = KeyFrames.of(annotation, 1)
    found = list(zip(keys.video.tolist(), keys.frame.tolist()))
    assert found == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    boxes, labels = keys.truth_at(1)
    assert boxes.tolist() == [[1, 2, 21, 30], [40, 8, 60, 40]]
    assert labels.tolist() == [0, 1]
    assert keys.truth_at(4)[1].tolist() == [2]


def test_every_nth_frame_counts_from_the_start_of_each_video() -> None:
    annotation = toy_truth()
    keys = KeyFrames.of(annotation, 2)
    assert list(zip(keys.video.tolist(), keys.frame.tolist())) == [(0, 2), (1, 0)]


def test_background_frames_are_those_without_a_box() -> None:
    video, frame = background_frames(toy_truth())
    assert list(zip(video.tolist(), frame.tolist())) == [(0, 0), (0, 4), (0, 5), (1, 2), (1, 3)]


def test_truth_beyond_the_end_is_no_background() -> None:
    annotation = toy_truth()
    late = replace(annotation, boxes=replace(annotation.boxes, frame=annotation.boxes.frame + 4))
    video, frame = background_frames(late)
    assert list(zip(video.tolist(), frame.tolist())) == [(0, t) for t in range(5)] + [
        (1, t) for t in range(4)
    ]


def test_unlisted_frames_are_no_background_and_excluded_ones_are_not_trained_on() -> None:
    listed, excluded = np.array([[0, 0], [0, 2], [0, 4], [1, 1], [1, 2]]), np.array([[0, 4], [0, 1]])
    annotation = replace(toy_truth(), scored_frames=listed, excluded_frames=excluded)
    video, frame = background_frames(annotation)
    assert list(zip(video.tolist(), frame.tolist())) == [(0, 0), (1, 2)]
    keys = KeyFrames.of(annotation)
    assert list(zip(keys.video.tolist(), keys.frame.tolist())) == [(0, 2), (0, 3), (1, 0), (1, 1)]


def test_shuffled_labels_permute_the_tubes() -> None:
    annotation = toy_truth()
    seen = set()
    for seed in range(30):
        labels = with_shuffled_labels(annotation, seed).box_labels()
        by_tube = {t: set(labels[annotation.boxes.tube == t].tolist()) for t in (7, 3, 5)}
        assert all(len(found) == 1 for found in by_tube.values())
        assert sorted(v for found in by_tube.values() for v in found) == [0, 1, 2]
        assert labels.tolist() == with_shuffled_labels(annotation, seed).box_labels().tolist()
        seen.add(tuple(labels.tolist()))
    assert len(seen) == 6


def test_an_epoch_sees_every_key_frame_once() -> None:
    examples = Examples(toy_truth(), INFO, seed=0)
    assert sorted(examples.order(0).tolist()) == sorted(examples.order(3).tolist()) == list(range(5))
    assert len({tuple(examples.order(epoch).tolist()) for epoch in range(8)}) > 1


def test_background_comes_as_often_as_asked() -> None:
    examples = Examples(toy_truth(), INFO, seed=0, background=0.3)
    rng = np.random.default_rng(1)
    boxes = [len(examples.pick(position, rng)[2]) for position in range(2000)]
    assert abs(boxes.count(0) / 2000 - 0.3) < 0.04
    assert set(boxes) == {0, 1, 2}


def test_labels_are_mirrored_half_the_time_where_that_has_a_meaning() -> None:
    rng, labels = np.random.default_rng(2), np.array([0, 1, 2])
    examples = Examples(toy_truth(), INFO, seed=0)
    found = [examples.mirrored(labels, rng) for _ in range(400)]
    assert 150 < sum(mirror for _, mirror in found) < 250
    assert all(swapped.tolist() == ([0, 2, 1] if mirror else [0, 1, 2]) for swapped, mirror in found)
    examples = Examples(toy_truth(), replace(INFO, flipped_labels=None), seed=0)
    assert not any(examples.mirrored(labels, rng)[1] for _ in range(50))
