"""Tracks as sequences of feature rows, and batches of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from recurrent_examples import Arrays, World, features_of, track_arrays

from methods.reclnet.labels import UNKNOWN
from methods.reclnet.schedule import Stretches, plan
from methods.reclnet.sequences import Sequences
from methods.reclnet.steps import frame_steps, steps_of


def test_a_step_is_a_row_of_features() -> None:
    """Frames 2 to 11 of one track and 2 to 4 of another; features of every four frames, as those of I3D."""
    tracks = track_arrays([10, 3], start=2)
    step_N = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4])
    steps = steps_of(tracks["track_N"], step_N)
    assert steps.of_N.tolist() == step_N.tolist()
    assert steps.feature_P.tolist() == [0, 1, 2, 3, 4]
    assert steps.middle_P.tolist() == [1, 4, 8, 11, 12]
    assert steps.bounds.tolist() == [0, 3, 5]


def test_tracks_that_share_rows_of_features_do_not_share_steps() -> None:
    """Two tracks whose boxes are the same; the last row of one is the first of the other."""
    steps = steps_of(np.array([0, 0, 0, 1, 1]), np.array([4, 5, 6, 6, 7]))
    assert steps.feature_P.tolist() == [4, 5, 6, 6, 7]
    assert steps.bounds.tolist() == [0, 3, 5]


def two_videos() -> tuple[dict[str, Arrays], dict[str, Arrays], dict[str, np.ndarray]]:
    tracks = {"a": track_arrays([7, 25]), "none": track_arrays([]), "b": track_arrays([12])}
    features = {name: features_of(found, 3, i) for i, (name, found) in enumerate(tracks.items())}
    labels = {name: np.arange(len(found["track_N"]), dtype=np.int16) for name, found in tracks.items()}
    return tracks, features, labels


def sequences_of_two_videos() -> tuple[Sequences, dict[str, Arrays], dict[str, np.ndarray]]:
    tracks, features, labels = two_videos()
    found = Sequences.of(list(tracks), tracks.__getitem__, frame_steps, lambda v, _: labels[v])
    return found, features, labels


def test_batches_hold_the_rows_and_labels_of_their_stretches() -> None:
    found, features, labels = sequences_of_two_videos()
    assert found.lengths_T.tolist() == [7, 25, 12]
    stretches = Stretches(np.array([1, -1, 2, 0]), np.array([20, 0, 0, 0]))
    asked = []

    def read(video: str) -> np.ndarray:
        asked.append(video)
        return features[video]["rgb"]

    rows_TLD, labels_TL = found.features(stretches, 10, read), found.labels(stretches, 10)
    assert asked == ["a", "b"]
    assert rows_TLD.shape == (10, 4, 3)
    assert (rows_TLD.dtype, labels_TL.dtype) == (torch.float32, torch.int64)
    wanted = [("a", 7 + 20, 5), ("a", 0, 0), ("b", 0, 10), ("a", 0, 7)]
    for lane, (video, first, count) in enumerate(wanted):
        rows = slice(first, first + count)
        assert torch.equal(rows_TLD[:count, lane].half(), torch.from_numpy(features[video]["rgb"][rows]))
        assert (rows_TLD[count:, lane] == 0).all()
        assert labels_TL[:count, lane].tolist() == labels[video][rows].tolist()
        assert (labels_TL[count:, lane] == UNKNOWN).all()


def test_rows_of_a_video_are_those_its_steps_point_to() -> None:
    found, features, _ = sequences_of_two_videos()
    assert found.videos == ("a", "none", "b")
    assert found.rows_V.tolist() == [len(features[video]["rgb"]) for video in found.videos] == [32, 0, 12]


def test_all_batches_hold_every_step_once() -> None:
    found, _, labels = sequences_of_two_videos()
    seen = [found.labels(stretches, 6) for stretches in plan(found.lengths_T, np.arange(3), 2, 6)]
    values = torch.cat([part.flatten() for part in seen])
    assert sorted(values[values != UNKNOWN].tolist()) == sorted(
        np.concatenate(list(labels.values())).tolist()
    )


def test_videos_without_a_track_are_refused() -> None:
    empty = track_arrays([])
    with pytest.raises(ValueError, match=r"no track was found in the 2 training videos.*train the detector"):
        Sequences.of("ab", lambda _: empty, frame_steps, lambda _, tracks: tracks["track_N"])


def test_the_world_of_these_tests_is_what_it_says() -> None:
    world = World.remembered(2, (5, 8))
    head = world.features["v0"]["rgb"][[0, 5], 0]
    assert np.array_equal(head > 0, world.labels["v0"][[0, 5]] == 2)
    assert np.count_nonzero(world.features["v0"]["rgb"][:, 0]) == 2
