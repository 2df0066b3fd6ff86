"""mAP by IoU threshold, of the level that a board is ranked by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.result import Estimate, Result
from reports.boards import Board, boards
from reports.figures import threshold_curves

Make = Callable[..., Path]


@pytest.fixture
def board(make: Make) -> Board:
    """Two methods, one of which has no tubes."""
    folders = (
        make("a", 0.8, method="a", title="Linked"),
        make("b", 0.5, method="b", title="Framed", tubes=False),
    )
    results = [(folder / "result.json", Result.read(folder)) for folder in folders]
    path, framed = results[1]
    results[1] = path, replace(framed, metrics={**framed.metrics, "frame_map/auc": Estimate(41.25)})
    (found,) = boards(results)
    return found


def test_tubes_where_tubes_are_ranked(board: Board) -> None:
    drawn = threshold_curves(replace(board, ranking_metric="video_map/0.50"))
    assert drawn is not None
    assert "video-mAP (%)" in drawn
    assert "Linked" in drawn
    assert "Framed" not in drawn


def test_frames_and_the_area_where_frames_are_ranked(board: Board) -> None:
    drawn = threshold_curves(replace(board, ranking_metric="frame_map/0.50"))
    assert drawn is not None
    assert "frame-mAP (%)" in drawn
    assert "Linked" in drawn
    assert "AUC 41.2" in drawn
    assert threshold_curves(replace(board, ranking_metric="frame_map/0.50", rows=())) is None
