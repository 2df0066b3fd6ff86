"""Tubes from paths: score, minimum length, columns."""

from __future__ import annotations

import numpy as np
import pytest

from bench.tubes.paths import Paths
from bench.tubes.scoring import TubeScoring, score_tubes


def two_paths() -> Paths:
    """12 frames of falling scores from 0.12, and 9 frames of 0.5, in one video."""
    lengths = [12, 9]
    return Paths(
        video="a/b", path=np.repeat([0, 1], lengths), label=np.repeat([4, 7], lengths),
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


def test_a_tube_has_the_rows_of_its_path() -> None:
    paths = two_paths()
    tubes = score_tubes(paths, TubeScoring(min_frames=1))
    assert tubes.videos == ("a/b",)
    np.testing.assert_array_equal(tubes.tube, paths.path)
    np.testing.assert_array_equal(tubes.frame, paths.frame)
    np.testing.assert_array_equal(tubes.boxes_N4, paths.boxes_R4)
    np.testing.assert_array_equal(tubes.frame_score, paths.score)


def test_paths_refuse_broken_rows() -> None:
    paths = two_paths()
    with pytest.raises(ValueError, match="consecutive"):
        Paths("v", paths.path, paths.label, paths.frame * 2, paths.boxes_R4, paths.score, paths.row)
    with pytest.raises(ValueError, match="numbered from 0"):
        Paths("v", paths.path + 1, paths.label, paths.frame, paths.boxes_R4, paths.score, paths.row)
    with pytest.raises(ValueError, match="differ in length"):
        Paths("v", paths.path, paths.label, paths.frame, paths.boxes_R4, paths.score[:-1], paths.row)
    with pytest.raises(ValueError, match="top is 0"):
        TubeScoring(top=0)
