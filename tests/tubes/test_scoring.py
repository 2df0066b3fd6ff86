"""Tubes from paths: score, minimum length, columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.tubes.paths import Paths
from bench.tubes.scoring import TubeScoring, score_tubes


def two_paths() -> Paths:
    """12 frames of falling scores from 0.12, and 9 frames of 0.5, in one video."""
    lengths = [12, 9]
    return Paths(
        videos=("a/b",), video=np.zeros(21),
        path=np.repeat([0, 1], lengths), label=np.repeat([4, 7], lengths),
        frame=np.concatenate([np.arange(12), np.arange(9) + 30]), boxes_R4=np.arange(84).reshape(21, 4),
        score=np.concatenate([np.arange(12, 0, -1) / 100, np.full(9, 0.5)]), row=np.arange(21),
    )  # fmt: skip


@pytest.mark.parametrize(("top", "score"), [(1, 0.12), (3, 0.11), (40, 0.065), (None, 0.065)])
def test_score_is_the_mean_of_the_best_boxes(top: int | None, score: float) -> None:
    tubes = score_tubes(two_paths(), TubeScoring(top=top))
    np.testing.assert_allclose(tubes.score, np.full(12, score), rtol=1e-6)


def test_short_paths_are_no_tubes() -> None:
    assert len(np.unique(score_tubes(two_paths(), TubeScoring(min_frames=9)).tube)) == 2
    kept = score_tubes(two_paths(), TubeScoring())
    assert np.unique(kept.label).tolist() == [4]
    assert len(score_tubes(two_paths(), TubeScoring(min_frames=13))) == 0


def test_tubes_lie_by_video_label_and_score() -> None:
    paths = replace(two_paths(), label=np.full(21, 4))
    tubes = score_tubes(paths, TubeScoring(min_frames=1))
    assert tubes.tube.tolist() == [0] * 9 + [1] * 12
    np.testing.assert_allclose(tubes.score[tubes.starts], [0.5, 0.065], rtol=1e-6)
    assert tubes.frame[tubes.starts].tolist() == [30, 0]


def test_a_tube_has_the_rows_of_its_path() -> None:
    paths = two_paths()
    tubes = score_tubes(paths, TubeScoring(min_frames=1))
    assert tubes.videos == ("a/b",)
    np.testing.assert_array_equal(tubes.tube, paths.path)
    np.testing.assert_array_equal(tubes.frame, paths.frame)
    np.testing.assert_array_equal(tubes.boxes_N4, paths.boxes_R4)
    np.testing.assert_array_equal(tubes.frame_score, paths.score)


def test_the_mean_over_the_tubelets_is_the_score_of_an_untrimmed_path() -> None:
    paths = replace(two_paths(), path_score=np.repeat([0.7, 0.9], [12, 9]))
    assert score_tubes(paths, TubeScoring(None, 9)).score.tolist() == paths.path_score.tolist()
    trimmed = paths.runs(np.arange(21) < 20)
    np.testing.assert_allclose(score_tubes(trimmed, TubeScoring(None, 9)).score, 0.065, rtol=1e-6)
    np.testing.assert_allclose(score_tubes(paths, TubeScoring(1, 10)).score, 0.12, rtol=1e-6)


def test_the_number_of_boxes_must_be_one() -> None:
    with pytest.raises(ValueError, match="top is 0"):
        TubeScoring(top=0)
